//! The tokens that every answer claims to have used, whatever was asked: different numbers for different things, so
//! that a number in the wrong place is seen.

/// Of the prompt in all, cached ones included.
pub const PROMPT: u64 = 30;
/// Of the prompt, read from a cache.
pub const CACHED: u64 = 10;
/// Of the prompt, written to a cache, if the request marks something to be kept there.
pub const CACHE_WRITTEN: u64 = 4;
/// Of the answer in all, thinking included.
pub const OUTPUT: u64 = 12;
/// Of the answer, thinking, if there is some.
pub const REASONING: u64 = 5;

/// One answer's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    pub cache_written: u64,
    pub reasoning: u64,
}

impl Usage {
    pub(crate) fn of(thinks: bool, writes_cache: bool) -> Self {
        Self {
            cache_written: if writes_cache { CACHE_WRITTEN } else { 0 },
            reasoning: if thinks { REASONING } else { 0 },
        }
    }

    /// Of the prompt, what no cache had a part in.
    pub(crate) const fn uncached(self) -> u64 {
        PROMPT - CACHED - self.cache_written
    }

    /// Of the answer, what is no thinking.
    pub(crate) const fn spoken(self) -> u64 {
        OUTPUT - self.reasoning
    }

    pub(crate) const fn total(self) -> u64 {
        PROMPT + OUTPUT
    }
}
