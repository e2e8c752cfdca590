//! What a writer could not say.

use super::Field;

/// What is left out of a request or changed in it, each once, as it is found.
#[derive(Debug, Default)]
pub struct Dropped(Vec<Field>);

impl Dropped {
    pub fn add(&mut self, field: Field) {
        if !self.0.contains(&field) {
            self.0.push(field);
        }
    }

    pub fn add_if(&mut self, is: bool, field: Field) {
        if is {
            self.add(field);
        }
    }

    pub fn into_fields(self) -> Vec<Field> {
        self.0
    }
}
