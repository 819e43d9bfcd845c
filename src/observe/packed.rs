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

/// What is known by remedy.
pub(super) mod by_remedy {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::remedy::{Packed, pack, unpack};
    use crate::model::remedy::Remedy;

    pub(crate) fn serialize<S: Serializer, T: Serialize>(
        known: &BTreeMap<Remedy, T>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        known.iter().map(|(remedy, what)| (pack(*remedy), what)).collect::<Vec<_>>().serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
        from: D,
    ) -> Result<BTreeMap<Remedy, T>, D::Error> {
        let entries: Vec<(Packed, T)> = Deserialize::deserialize(from)?;
        entries.into_iter().map(|(packed, what)| Ok((unpack(packed)?, what))).collect()
    }
}

/// Remedies, by code and amount.
pub(super) mod remedy {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::model::remedy::{Remedy, Setting};
    use crate::units::Span;

    type Part = (u8, i64);
    pub(super) type Packed = (Part, Option<Part>);

    const WAIT: u8 = 100;
    const KEYS: u8 = 101;
    const PERIOD: u8 = 102;
    const WINDOW: u8 = 103;
    const EXPIRATION: u8 = 104;

    fn part(setting: Setting) -> Part {
        match setting {
            Setting::VolumeWait(retries) => (WAIT, retries.into()),
            Setting::ActiveKeys(keys) => (KEYS, keys.into()),
            Setting::RotationPeriod(period) => (PERIOD, period.micros()),
            Setting::Window(window) => (WINDOW, window.micros()),
            Setting::Expiration(expiration) => (EXPIRATION, expiration.micros()),
            switch => {
                let code = Setting::SWITCHES.iter().position(|known| *known == switch);
                (code.expect("every switch has a code") as u8, 0)
            }
        }
    }

    fn setting((code, amount): Part) -> Option<Setting> {
        Some(match code {
            WAIT => Setting::VolumeWait(amount.try_into().ok()?),
            KEYS => Setting::ActiveKeys(amount.try_into().ok()?),
            PERIOD => Setting::RotationPeriod(Span::from_micros(amount)),
            WINDOW => Setting::Window(Span::from_micros(amount)),
            EXPIRATION => Setting::Expiration(Span::from_micros(amount)),
            switch => *Setting::SWITCHES.get(usize::from(switch))?,
        })
    }

    pub(super) fn pack(remedy: Remedy) -> Packed {
        (part(remedy.one), remedy.other.map(part))
    }

    pub(super) fn unpack<E: Error>((one, other): Packed) -> Result<Remedy, E> {
        let read = |part| setting(part).ok_or_else(|| E::custom(format!("there is no remedy {part:?}")));
        Ok(Remedy { one: read(one)?, other: other.map(read).transpose()? })
    }

    pub(crate) fn serialize<S: Serializer>(remedy: &Remedy, to: S) -> Result<S::Ok, S::Error> {
        pack(*remedy).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Remedy, D::Error> {
        Deserialize::deserialize(from).and_then(unpack)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn every_setting_comes_back() {
            let time = Span::from_seconds(7);
            let graded = [
                Setting::VolumeWait(u32::MAX),
                Setting::ActiveKeys(3),
                Setting::RotationPeriod(time),
                Setting::Window(time),
                Setting::Expiration(time),
            ];
            for one in Setting::SWITCHES.into_iter().chain(graded) {
                assert_eq!(setting(part(one)), Some(one));
            }
            assert_eq!(setting((99, 0)), None);
        }
    }
}
