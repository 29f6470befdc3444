-- The latest fact about a subject on or before a day, without reading all before it: observed balances are many by now.
CREATE INDEX fact_by_day ON fact (kind, subject, effective_on, id);
