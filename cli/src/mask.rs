//! Which fields an update names. A field that was not given keeps its value, so an update never sends an empty mask,
//! which would mean "all populated fields".

use crate::error::CliError;
use prost_types::FieldMask;

#[derive(Debug, Default)]
pub struct Mask {
    paths: Vec<String>,
}

impl Mask {
    /// Sets the field and names it, if a value was given.
    pub fn put<T>(&mut self, path: &str, given: Option<T>, field: &mut T) {
        if let Some(value) = given {
            *field = value;
            self.paths.push(path.to_owned());
        }
    }

    /// As `put`, for a field that may be unset.
    pub fn put_some<T>(&mut self, path: &str, given: Option<T>, field: &mut Option<T>) {
        self.put(path, given.map(Some), field);
    }

    /// Builds a nested message, which is there only if one of its fields was given.
    pub fn nested<M: Default>(&mut self, fill: impl FnOnce(&mut Self, &mut M)) -> Option<M> {
        let before = self.paths.len();
        let mut message = M::default();
        fill(self, &mut message);
        (self.paths.len() > before).then_some(message)
    }

    /// Names fields that go back to their defaults.
    pub fn unset(&mut self, paths: Vec<String>) -> Result<(), CliError> {
        for path in paths {
            if self.paths.contains(&path) {
                return Err(CliError::Usage(format!("{path} is both given and unset")));
            }
            self.paths.push(path);
        }
        Ok(())
    }

    pub fn into_update(self) -> Result<FieldMask, CliError> {
        if self.paths.is_empty() {
            return Err(CliError::Usage("nothing to update: give at least one field (see --help)".to_owned()));
        }
        Ok(FieldMask { paths: self.paths })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_given_fields_are_named() {
        let (mut mask, mut zone, mut limit) = (Mask::default(), String::new(), Some(3));
        mask.put("zone", Some("eu".to_owned()), &mut zone);
        mask.put_some("limit", None, &mut limit);
        assert_eq!((zone.as_str(), limit), ("eu", Some(3)));
        assert_eq!(mask.into_update().expect("one path").paths, ["zone"]);
    }

    #[test]
    fn an_empty_mask_is_refused() {
        assert!(matches!(Mask::default().into_update(), Err(CliError::Usage(_))));
    }

    #[test]
    fn a_field_is_given_or_unset() {
        let (mut mask, mut zone) = (Mask::default(), String::new());
        mask.put("zone", Some("eu".to_owned()), &mut zone);
        assert!(mask.unset(vec!["zone".to_owned()]).is_err());
        assert!(mask.unset(vec!["timeouts.connect".to_owned()]).is_ok());
    }
}
