-- The entries of one event without reading all others: settlements and restatements among the accruals of a busy feed, and the journal of an
-- event. New numbers stand at the right edge of their event.
CREATE INDEX entry_by_event ON entry (event, no);
