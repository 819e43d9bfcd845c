//! Reading durations, sizes, rates and shares from text with units.
