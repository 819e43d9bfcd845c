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

/// Remedies with the jobs that they save, by code and amount.
pub(super) mod saved {
    use std::collections::BTreeMap;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::model::remedy::{Remedy, RoleHolder, Sender, Setting};
    use crate::units::Span;

    type Packed = (u8, i64);

    const SWITCHES: [Setting; 8] = [
        Setting::ServiceToken(Sender::Nova),
        Setting::ServiceToken(Sender::Cinder),
        Setting::ServiceRole(RoleHolder::Nova),
        Setting::ServiceRole(RoleHolder::Cinder),
        Setting::ServiceRole(RoleHolder::NovaAuthtoken),
        Setting::BackupServiceToken,
        Setting::SingleTenantStore,
        Setting::FreshToken,
    ];
    const WAIT: u8 = 100;
    const KEYS: u8 = 101;
    const PERIOD: u8 = 102;
    const WINDOW: u8 = 103;
    const EXPIRATION: u8 = 104;

    fn pack(setting: Setting) -> Packed {
        match setting {
            Setting::VolumeWait(retries) => (WAIT, retries.into()),
            Setting::ActiveKeys(keys) => (KEYS, keys.into()),
            Setting::RotationPeriod(period) => (PERIOD, period.micros()),
            Setting::Window(window) => (WINDOW, window.micros()),
            Setting::Expiration(expiration) => (EXPIRATION, expiration.micros()),
            Setting::ServiceToken(_)
            | Setting::ServiceRole(_)
            | Setting::BackupServiceToken
            | Setting::SingleTenantStore
            | Setting::FreshToken => {
                let code = SWITCHES.iter().position(|known| *known == setting);
                (code.expect("every switch has a code") as u8, 0)
            }
        }
    }

    fn unpack((code, amount): Packed) -> Option<Setting> {
        Some(match code {
            WAIT => Setting::VolumeWait(amount.try_into().ok()?),
            KEYS => Setting::ActiveKeys(amount.try_into().ok()?),
            PERIOD => Setting::RotationPeriod(Span::from_micros(amount)),
            WINDOW => Setting::Window(Span::from_micros(amount)),
            EXPIRATION => Setting::Expiration(Span::from_micros(amount)),
            switch => *SWITCHES.get(usize::from(switch))?,
        })
    }

    pub(crate) fn serialize<S: Serializer>(saved: &BTreeMap<Remedy, u64>, to: S) -> Result<S::Ok, S::Error> {
        let entry = |(remedy, jobs): (&Remedy, &u64)| (pack(remedy.one), remedy.other.map(pack), *jobs);
        saved.iter().map(entry).collect::<Vec<_>>().serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<Remedy, u64>, D::Error> {
        let entries: Vec<(Packed, Option<Packed>, u64)> = Deserialize::deserialize(from)?;
        let read = |packed| unpack(packed).ok_or_else(|| D::Error::custom(format!("there is no remedy {packed:?}")));
        let entry = |(one, other, jobs): (Packed, Option<Packed>, u64)| {
            Ok((Remedy { one: read(one)?, other: other.map(read).transpose()? }, jobs))
        };
        entries.into_iter().map(entry).collect()
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
            for setting in SWITCHES.into_iter().chain(graded) {
                assert_eq!(unpack(pack(setting)), Some(setting));
            }
            assert_eq!(unpack((99, 0)), None);
        }
    }
}
