//! Accounting rules over the domain, pure.
