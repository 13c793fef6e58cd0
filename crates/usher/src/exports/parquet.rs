//! Users as an Apache Parquet file, for analytics: typed columns, the same fields as in the other formats, written a row group at a time.

use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;
use serde_json::{Map, Value};

use crate::error::AppResult;

/// Users that a row group has at most; they are in memory until it is whole.
const ROW_GROUP: usize = 5_000;

/// What a field is as a column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Json,
    Flag,
    /// Microseconds in UTC.
    Time,
    Texts,
}

/// The values of a column that wait for their row group, with their definition and repetition levels.
struct Column {
    name: &'static str,
    kind: Kind,
    defined: Vec<i16>,
    repeated: Vec<i16>,
    texts: Vec<ByteArray>,
    flags: Vec<bool>,
    times: Vec<i64>,
}

/// A file that is being written.
pub struct File {
    /// `None` when it is whole.
    writer: Option<SerializedFileWriter<Vec<u8>>>,
    columns: Vec<Column>,
    waiting: usize,
}

impl File {
    pub fn begin(fields: &[&'static str]) -> AppResult<Self> {
        let columns: Vec<Column> = fields.iter().map(|name| Column::new(name)).collect();
        let types = columns.iter().map(Column::schema).collect::<Result<Vec<_>, _>>().map_err(fault)?;
        let schema = Type::group_type_builder("users").with_fields(types).build().map_err(fault)?;
        // Statistics would hold the first and the last address of each part, and are of no use without an order.
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_created_by(format!("usher {}", env!("CARGO_PKG_VERSION")))
            .build();
        let writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties)).map_err(fault)?;
        Ok(Self { writer: Some(writer), columns, waiting: 0 })
    }

    /// Takes a user, as the members of an object; what is whole is written at the end of `into`.
    pub fn add(&mut self, members: &Map<String, Value>, into: &mut Vec<u8>) -> AppResult<()> {
        for column in &mut self.columns {
            column.push(members.get(column.name).unwrap_or(&Value::Null))?;
        }
        self.waiting += 1;
        if self.waiting >= ROW_GROUP { self.write(into) } else { Ok(()) }
    }

    /// The rest of the file, once.
    pub fn finish(&mut self, into: &mut Vec<u8>) -> AppResult<()> {
        if self.waiting > 0 {
            self.write(into)?;
        }
        if let Some(mut writer) = self.writer.take() {
            writer.finish().map_err(fault)?;
            into.append(writer.inner_mut());
        }
        Ok(())
    }

    fn write(&mut self, into: &mut Vec<u8>) -> AppResult<()> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let mut group = writer.next_row_group().map_err(fault)?;
        for column in &mut self.columns {
            if let Some(to) = group.next_column().map_err(fault)? {
                column.write(to).map_err(fault)?;
            }
        }
        group.close().map_err(fault)?;
        into.append(writer.inner_mut());
        self.waiting = 0;
        Ok(())
    }
}

impl Column {
    fn new(name: &'static str) -> Self {
        let kind = match name {
            "attributes" | "role_ends" => Kind::Json,
            "email_verified" => Kind::Flag,
            "professional_at" | "created_at" | "last_sign_in_at" => Kind::Time,
            "other_emails" | "unverified_emails" | "roles" => Kind::Texts,
            _ => Kind::Text,
        };
        let (defined, repeated, texts, flags, times) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { name, kind, defined, repeated, texts, flags, times }
    }

    fn schema(&self) -> Result<Arc<Type>, ParquetError> {
        let primitive = |name, physical, repetition, logical| {
            Type::primitive_type_builder(name, physical)
                .with_repetition(repetition)
                .with_logical_type(logical)
                .build()
                .map(Arc::new)
        };
        let optional = |physical, logical| primitive(self.name, physical, Repetition::OPTIONAL, logical);
        match self.kind {
            Kind::Text => optional(Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Json => optional(Physical::BYTE_ARRAY, Some(LogicalType::Json)),
            Kind::Flag => optional(Physical::BOOLEAN, None),
            Kind::Time => optional(Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
            Kind::Texts => {
                let element = primitive("element", Physical::BYTE_ARRAY, Repetition::REQUIRED, Some(LogicalType::String))?;
                let list = Type::group_type_builder("list").with_repetition(Repetition::REPEATED).with_fields(vec![element]);
                let outer = Type::group_type_builder(self.name).with_repetition(Repetition::REQUIRED);
                let outer = outer.with_logical_type(Some(LogicalType::List)).with_fields(vec![Arc::new(list.build()?)]);
                outer.build().map(Arc::new)
            }
        }
    }

    fn push(&mut self, value: &Value) -> AppResult<()> {
        match (self.kind, value) {
            (Kind::Texts, value) => {
                let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
                self.repeated.extend((0..items.len().max(1)).map(|at| i16::from(at > 0)));
                self.defined.extend(std::iter::repeat_n(i16::from(!items.is_empty()), items.len().max(1)));
                self.texts.extend(items.iter().map(|item| item.as_str().unwrap_or_default().into()));
                return Ok(());
            }
            (_, Value::Null) => {}
            (Kind::Json, value) => self.texts.push(value.to_string().as_str().into()),
            (Kind::Text, value) => self.texts.push(value.as_str().unwrap_or_default().into()),
            (Kind::Flag, value) => self.flags.push(value.as_bool().unwrap_or_default()),
            (Kind::Time, value) => {
                let at: jiff::Timestamp = serde_json::from_value(value.clone())?;
                self.times.push(at.as_microsecond());
            }
        }
        self.defined.push(i16::from(!value.is_null()));
        Ok(())
    }

    /// Leaves the column empty.
    fn write(&mut self, mut to: SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        let defined = Some(self.defined.as_slice());
        match self.kind {
            Kind::Text | Kind::Json => to.typed::<ByteArrayType>().write_batch(&self.texts, defined, None)?,
            Kind::Texts => to.typed::<ByteArrayType>().write_batch(&self.texts, defined, Some(&self.repeated))?,
            Kind::Flag => to.typed::<BoolType>().write_batch(&self.flags, defined, None)?,
            Kind::Time => to.typed::<Int64Type>().write_batch(&self.times, defined, None)?,
        };
        self.defined.clear();
        self.repeated.clear();
        self.texts.clear();
        self.flags.clear();
        self.times.clear();
        to.close()
    }
}

fn fault(error: ParquetError) -> anyhow::Error {
    anyhow::Error::from(error).context("writing Parquet")
}
