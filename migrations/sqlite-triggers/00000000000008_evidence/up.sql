CREATE TRIGGER evidence_file_no_update BEFORE UPDATE ON evidence_file BEGIN SELECT RAISE(ABORT, 'evidence_file is append-only: record a correction instead'); END;
CREATE TRIGGER evidence_file_no_delete BEFORE DELETE ON evidence_file BEGIN SELECT RAISE(ABORT, 'evidence_file is append-only: record a correction instead'); END;
CREATE TRIGGER evidence_content_no_update BEFORE UPDATE ON evidence_content BEGIN SELECT RAISE(ABORT, 'evidence_content is append-only: record a correction instead'); END;
CREATE TRIGGER evidence_content_no_delete BEFORE DELETE ON evidence_content BEGIN SELECT RAISE(ABORT, 'evidence_content is append-only: record a correction instead'); END;
