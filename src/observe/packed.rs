//! How what the model names is kept on disk.

/// Steps, by their places in the list of their kind.
pub(super) mod step {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::model::StepId;

    pub(crate) fn serialize<S: Serializer>(step: &StepId, to: S) -> Result<S::Ok, S::Error> {
        step.0.serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<StepId, D::Error> {
        Deserialize::deserialize(from).map(StepId)
    }
}

/// Reasons, by their codes.
pub(super) mod reason {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::model::vocabulary::Reason;

    pub(crate) fn serialize<S: Serializer>(reason: &Reason, to: S) -> Result<S::Ok, S::Error> {
        reason.code().serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Reason, D::Error> {
        let code: String = Deserialize::deserialize(from)?;
        Reason::from_code(&code).ok_or_else(|| D::Error::custom(format!("there is no reason `{code}`")))
    }
}

/// Times, in microseconds.
pub(super) mod span {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::units::Span;

    pub(crate) fn serialize<S: Serializer>(span: &Option<Span>, to: S) -> Result<S::Ok, S::Error> {
        span.map(Span::micros).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Span>, D::Error> {
        Option::deserialize(from).map(|micros: Option<i64>| micros.map(Span::from_micros))
    }
}
