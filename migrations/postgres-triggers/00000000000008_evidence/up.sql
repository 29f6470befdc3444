CREATE TRIGGER evidence_file_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence_file FOR EACH STATEMENT EXECUTE FUNCTION safu_append_only();
CREATE TRIGGER evidence_content_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence_content FOR EACH STATEMENT EXECUTE FUNCTION safu_append_only();
