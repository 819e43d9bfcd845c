//! A swept key as reports show it: its unit, and its values as text and number.

use crate::model::study::{Axis, AxisUnit, AxisValue};
use crate::units::{ExactSeconds, Span};

use super::dist::Unit;
use super::kind::{Kind, Parsed};
use super::sweep::Swept;
use crate::document::{Node, Value};

impl Swept {
    /// The axis as reports show it.
    pub(super) fn axis(&self) -> Axis {
        let unit = unit(self.kind);
        let numbers: Option<Vec<(String, f64)>> =
            self.values.iter().map(|(value, parsed)| in_unit(unit, value, parsed)).collect();
        let unit = if numbers.is_some() { unit } else { AxisUnit::None };
        let suffix = match unit {
            AxisUnit::Seconds => "_s",
            AxisUnit::Bytes => "_bytes",
            AxisUnit::PerSecond => "_per_s",
            AxisUnit::None => "",
        };
        let values = self.values.iter().enumerate().map(|(index, (value, _))| {
            let number = numbers.as_ref().map(|numbers| numbers[index].clone());
            let label = value.label();
            match number {
                Some((cell, number)) => AxisValue { cell, label, number: Some(number) },
                None => AxisValue { cell: label.clone(), label, number: None },
            }
        });
        Axis {
            key: self.path.clone(),
            column: format!("{}{suffix}", self.path),
            unit,
            values: values.collect(),
            zip: self.zip,
        }
    }
}

/// The unit of plain values of a kind.
fn unit(kind: Kind) -> AxisUnit {
    match kind {
        Kind::Seconds { .. }
        | Kind::Time { .. }
        | Kind::SignedTime
        | Kind::ByNode
        | Kind::Instant
        | Kind::Offset
        | Kind::TokenAge => AxisUnit::Seconds,
        Kind::Dist(Unit::Seconds | Unit::SignedSeconds) => AxisUnit::Seconds,
        Kind::Dist(Unit::Bytes) => AxisUnit::Bytes,
        Kind::Throughput => AxisUnit::PerSecond,
        Kind::Dist(Unit::Share | Unit::Count)
        | Kind::Flag
        | Kind::Integer { .. }
        | Kind::Size { .. }
        | Kind::Level
        | Kind::Share
        | Kind::Choice(_)
        | Kind::Text
        | Kind::Name
        | Kind::Words
        | Kind::Paths
        | Kind::Instants
        | Kind::Schedules
        | Kind::Periods
        | Kind::MissedSyncs
        | Kind::Arrivals
        | Kind::Bound
        | Kind::Free
        | Kind::Job
        | Kind::Preset
        | Kind::Tables => AxisUnit::None,
    }
}

/// A plain number, exact as text; `None`: it is none.
fn in_unit(unit: AxisUnit, value: &Value, parsed: &Parsed) -> Option<(String, f64)> {
    use crate::model::{Offset, TokenAge};
    let time = |span: Span| (ExactSeconds::from(span).to_string(), span.seconds());
    let constant = |dist: &crate::random::Dist| {
        let constant = dist.as_constant()?;
        match value.node {
            // What was written as a table keeps its table as label, and so do all values beside it.
            Node::Table(_) => None,
            Node::Integer(_) | Node::Real(_) | Node::Text(_) | Node::Flag(_) | Node::Moment(_) | Node::Array(_) => {
                Some(constant)
            }
        }
    };
    match parsed {
        Parsed::Integer(integer) => Some((integer.to_string(), *integer as f64)),
        Parsed::Level(level) => Some((level.to_string(), *level)),
        Parsed::Seconds(Some(span)) | Parsed::Time(span) => Some(time(*span)),
        // -1 is how the option says "off".
        Parsed::Seconds(None) => Some(("-1".to_owned(), -1.0)),
        Parsed::Instant(instant) => Some((ExactSeconds::from(*instant).to_string(), instant.seconds())),
        Parsed::Offset(Offset::Fixed(span)) => Some(time(*span)),
        Parsed::Throughput(throughput) => {
            let bytes = throughput.bytes_per_second();
            Some((bytes.to_string(), bytes as f64))
        }
        Parsed::Dist(dist) | Parsed::TokenAge(TokenAge::Drawn(dist)) => {
            let constant = constant(dist)?;
            let cell = match unit {
                AxisUnit::Seconds => ExactSeconds::from(Span::from_seconds_f64(constant)).to_string(),
                // A whole number of bytes prints without decimals.
                AxisUnit::Bytes | AxisUnit::PerSecond | AxisUnit::None => constant.to_string(),
            };
            Some((cell, constant))
        }
        Parsed::Spans(spans) => match (spans.as_slice(), value.as_array()) {
            ([span], None) => Some(time(*span)),
            // What is written as a list keeps its list as label.
            (_, _) => None,
        },
        Parsed::Offset(Offset::Random)
        | Parsed::TokenAge(TokenAge::OfExpiration(_) | TokenAge::Renewing { .. })
        | Parsed::Flag(_)
        | Parsed::Text(_)
        | Parsed::Words(_)
        | Parsed::Instants(_)
        | Parsed::Schedules(_)
        | Parsed::Periods(_)
        | Parsed::MissedSyncs(_)
        | Parsed::Arrivals(_)
        | Parsed::Free => None,
    }
}
