//! Times as programs write them: text by version 2 of the AWS CLI, seconds since 1970 by version 1, `/Date(…)/` by
//! PowerShell. A time that no status can have is none, as where AWS Config itself is read.

use std::fmt;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp, Unit};
use serde::Deserializer;
use serde::de::{Error, IgnoredAny, MapAccess, Unexpected, Visitor};

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    deserializer.deserialize_any(Time)
}

struct Time;

impl<'de> Visitor<'de> for Time {
    type Value = Option<Timestamp>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time with its zone, such as 2026-11-18T09:12:44.123000+00:00, or seconds since 1970")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        if let Some(date) = text.strip_prefix("/Date(") {
            // What may follow is the offset in which it was written: it changes nothing.
            let digits = date.trim_start_matches('-');
            let end = date.len() - digits.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let milliseconds = date.get(..end).and_then(|number| number.parse().ok());
            return Ok(milliseconds.and_then(|number| Timestamp::from_millisecond(number).ok()));
        }
        match text.parse() {
            Ok(time) => Ok(Some(time)),
            Err(_) if is_out_of_range(text) => Ok(None),
            Err(_) => Err(E::invalid_value(Unexpected::Str(text), &self)),
        }
    }

    fn visit_f64<E: Error>(self, seconds: f64) -> Result<Self::Value, E> {
        let since_1970 = SignedDuration::try_from_secs_f64(seconds).ok();
        let time = since_1970.and_then(|duration| Timestamp::from_duration(duration).ok());
        Ok(time.and_then(|time| time.round(Unit::Millisecond).ok()))
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<Self::Value, E> {
        Ok(Timestamp::from_second(seconds).ok())
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok()))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    /// `{"value": "/Date(…)/", "DateTime": …}`, as `ConvertTo-Json` wraps a date that has notes.
    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut value = None;
        while let Some(name) = fields.next_key::<String>()? {
            match name.as_str() {
                "value" => value = Some(fields.next_value::<String>()?),
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        let value = value.ok_or_else(|| A::Error::invalid_type(Unexpected::Map, &self))?;
        self.visit_str(&value)
    }
}

/// Whether it is a time like any other, but of a year in which nothing was deployed: the last day of 9999, for one, by
/// which .NET says that there is none.
fn is_out_of_range(text: &str) -> bool {
    let civil = text.trim_end_matches(['Z', 'z']);
    let time = text.split(['T', 't', ' ']).nth(1).unwrap_or_default();
    civil.parse::<DateTime>().is_ok() && time.contains(['Z', 'z', '+', '-'])
}
