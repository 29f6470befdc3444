-- Entries that are booked in a later month than their date has. There are few of them, and every report counts them.
CREATE INDEX entry_late ON entry (effective_on, no) WHERE effective_on < period;
