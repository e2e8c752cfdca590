//! Follows JSON text piece by piece, to know when the object that it began with has ended.

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    begun: bool,
    depth: u32,
    quoted: bool,
    escaped: bool,
}

impl Extent {
    pub(super) fn read(&mut self, text: &str) {
        for byte in text.bytes() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.quoted => self.escaped = true,
                b'"' => self.quoted = !self.quoted,
                b'{' | b'[' if !self.quoted => {
                    self.begun = true;
                    self.depth = self.depth.saturating_add(1);
                }
                b'}' | b']' if !self.quoted => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    pub(super) fn is_whole(self) -> bool {
        self.begun && self.depth == 0 && !self.quoted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_whole_when_its_last_brace_has_come() {
        let text = r#" {"a\"}":[{"b":"{"}],"c":"\\"}"#;
        for end in 0..=text.len() {
            let mut extent = Extent::default();
            extent.read(&text[..end]);
            assert_eq!(extent.is_whole(), end == text.len(), "{:?}", &text[..end]);
        }
    }
}
