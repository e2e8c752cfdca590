//! What a run of the binary came to.
#![allow(dead_code, reason = "not every test asks for everything")]

use std::process::Output;

pub struct Run {
    pub output: Output,
}

impl Run {
    pub fn exits_with(self, code: i32) -> Self {
        assert_eq!(self.output.status.code(), Some(code), "{}", self.stderr());
        self
    }

    pub fn says(self, part: &str) -> Self {
        assert!(self.stderr().contains(part), "`{part}` is not in: {}", self.stderr());
        self
    }

    pub fn keeps_quiet_about(self, part: &str) -> Self {
        assert!(!self.stderr().contains(part) && !self.stdout().contains(part), "{}", self.stderr());
        self
    }

    pub fn prints(self, part: &str) -> Self {
        assert!(self.stdout().contains(part), "`{part}` is not in: {}", self.stdout());
        self
    }

    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }
}
