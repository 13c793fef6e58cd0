//! A `where` clause that is put together from fixed pieces. Values are only ever bound.

use tokio_postgres::types::ToSql;

/// Conditions that all hold, and the parameters in them.
#[derive(Default)]
pub struct Conditions {
    pieces: Vec<String>,
    params: Vec<Box<dyn ToSql + Sync + Send>>,
}

impl Conditions {
    /// Binds a value and returns its placeholder.
    pub fn bind(&mut self, value: impl ToSql + Sync + Send + 'static) -> String {
        self.params.push(Box::new(value));
        format!("${}", self.params.len())
    }

    /// Adds a condition, which is a piece of SQL with placeholders.
    pub fn require(&mut self, condition: impl Into<String>) {
        self.pieces.push(condition.into());
    }

    /// Adds a condition on a value, if there is one: `{}` in it stands for the value.
    pub fn require_if<T: ToSql + Sync + Send + 'static>(&mut self, condition: &str, value: Option<T>) {
        if let Some(value) = value {
            let placeholder = self.bind(value);
            self.require(condition.replace("{}", &placeholder));
        }
    }

    /// All of it, as one condition.
    pub fn sql(&self) -> String {
        if self.pieces.is_empty() { "true".to_owned() } else { self.pieces.join(" and ") }
    }

    pub fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.params.iter().map(|param| &**param as &(dyn ToSql + Sync)).collect()
    }
}
