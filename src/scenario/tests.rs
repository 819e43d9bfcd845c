//! Whole scenarios, good and bad.
