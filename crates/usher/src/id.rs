//! Typed identifiers: UUID version 7 (RFC 9562), so that keys grow with time and a user's id can't be passed for a session's.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::BytesMut;
use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type};
use uuid::Uuid;

/// An identifier of a `T`.
pub struct Id<T> {
    uuid: Uuid,
    of: PhantomData<fn() -> T>,
}

/// Marks an [`Id`] as a user's.
pub enum UserMark {}
/// Marks an [`Id`] as a session's.
pub enum SessionMark {}
/// Marks an [`Id`] as an e-mail address's.
pub enum EmailMark {}
/// Marks an [`Id`] as a mail's.
pub enum MailMark {}
/// Marks an [`Id`] as a job's.
pub enum JobMark {}
/// Marks an [`Id`] as a device's.
pub enum DeviceMark {}
/// Marks an [`Id`] as a service account's.
pub enum ServiceAccountMark {}
/// Marks an [`Id`] as an API key's.
pub enum ApiKeyMark {}
/// Marks an [`Id`] as a group's.
pub enum GroupMark {}
/// Marks an [`Id`] as that of a rule on inactivity.
pub enum InactivityRuleMark {}
/// Marks an [`Id`] as an invitation's.
pub enum InvitationMark {}
/// Marks an [`Id`] as that of a request for approval.
pub enum ApprovalRequestMark {}
/// Marks an [`Id`] as a passkey's.
pub enum PasskeyMark {}

pub type UserId = Id<UserMark>;
pub type SessionId = Id<SessionMark>;
pub type EmailId = Id<EmailMark>;
pub type MailId = Id<MailMark>;
pub type JobId = Id<JobMark>;
pub type DeviceId = Id<DeviceMark>;
pub type ServiceAccountId = Id<ServiceAccountMark>;
pub type ApiKeyId = Id<ApiKeyMark>;
pub type GroupId = Id<GroupMark>;
pub type InactivityRuleId = Id<InactivityRuleMark>;
pub type InvitationId = Id<InvitationMark>;
pub type ApprovalRequestId = Id<ApprovalRequestMark>;
pub type PasskeyId = Id<PasskeyMark>;

impl<T> Id<T> {
    /// A new identifier that sorts by `now`.
    pub fn new(now: Timestamp) -> Self {
        Self::from_uuid(new_uuid(now))
    }

    pub fn from_uuid(uuid: Uuid) -> Self {
        Self { uuid, of: PhantomData }
    }

    pub fn uuid(self) -> Uuid {
        self.uuid
    }
}

/// A new UUID version 7 that sorts by `now`, and after those this process has made for the same millisecond, whatever others it made
/// in between. Its first 26 bits beside the time count (RFC 9562, section 6.2, method 1), and 48 are random.
pub fn new_uuid(now: Timestamp) -> Uuid {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
    let mut random = crate::secret::random_bytes::<10>();
    let place = MADE.fetch_add(1, Ordering::Relaxed) & 0x03ff_ffff;
    // Twelve bits stand before the variant, and fourteen behind it.
    [random[0], random[1]] = u16::try_from(place >> 14).unwrap_or_default().to_be_bytes();
    [random[2], random[3]] = u16::try_from(place & 0x3fff).unwrap_or_default().to_be_bytes();
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

/// What all identifiers from this time on, and in its millisecond, sort after.
pub fn first_uuid(at: Timestamp) -> Uuid {
    Uuid::from_u128(u128::try_from(at.as_millisecond()).unwrap_or(0) << 80)
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.uuid == other.uuid
    }
}
impl<T> Eq for Id<T> {}
impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.uuid.hash(state);
    }
}
impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uuid.fmt(f)
    }
}
impl<T> fmt::Display for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uuid.fmt(f)
    }
}

impl<T> FromStr for Id<T> {
    type Err = uuid::Error;

    /// Accepts the hyphenated form only: one resource has one URL.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hyphenated: uuid::fmt::Hyphenated = text.parse()?;
        Ok(Self::from_uuid(hyphenated.into_uuid()))
    }
}

impl<T> Serialize for Id<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.uuid.serialize(serializer)
    }
}
impl<'de, T> Deserialize<'de> for Id<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Uuid::deserialize(deserializer).map(Self::from_uuid)
    }
}
impl<T> JsonSchema for Id<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Id".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "uuid",
            "example": "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d",
        })
    }
}

impl<T> ToSql for Id<T> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        self.uuid.to_sql(ty, out)
    }
    fn accepts(ty: &Type) -> bool {
        <Uuid as ToSql>::accepts(ty)
    }
    tokio_postgres::types::to_sql_checked!();
}
impl<'a, T> FromSql<'a> for Id<T> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Uuid::from_sql(ty, raw).map(Self::from_uuid)
    }
    fn accepts(ty: &Type) -> bool {
        <Uuid as FromSql>::accepts(ty)
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::new_uuid;

    #[test]
    fn ids_of_a_moment_sort_as_they_were_made_whatever_is_made_in_between() {
        let moment = Timestamp::from_millisecond(1_767_225_600_000).unwrap();
        let mut ids = Vec::new();
        for number in 0..10_000 {
            ids.push(new_uuid(moment));
            new_uuid(moment + SignedDuration::from_millis(number));
        }
        assert!(ids.is_sorted());
        assert!(ids.iter().all(|id| id.get_version_num() == 7 && id.get_variant() == uuid::Variant::RFC4122));
        assert!(ids[9_999] < new_uuid(moment + SignedDuration::from_millis(1)));
    }
}
