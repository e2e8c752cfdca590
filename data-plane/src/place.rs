//! Where this node runs, and how far that is from a backend.

use pointsman_proto::domain::Provider;

/// Where this node runs; empty where nobody said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub zone: String,
    pub region: String,
}

/// How far a backend is from this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Distance {
    SameZone,
    SameRegion,
    Elsewhere,
}

impl Place {
    /// A place in this zone. A region that is not given is read from the zone: `eu-west-1a` and `europe-west1-b` are how the
    /// clouds name zones of `eu-west-1` and `europe-west1`.
    pub fn new(zone: &str, region: &str) -> Self {
        let read = || {
            let shorter = zone.strip_suffix(|c: char| c.is_ascii_lowercase())?;
            let region = shorter.strip_suffix('-').unwrap_or(shorter);
            region.ends_with(|c: char| c.is_ascii_digit()).then_some(region)
        };
        let region = if region.is_empty() { read().unwrap_or(zone) } else { region };
        Self { zone: zone.to_owned(), region: region.to_owned() }
    }

    /// How far away `provider` answers, for a line that may name another region than the provider's.
    pub fn distance(&self, provider: &Provider, region: Option<&str>) -> Distance {
        let same = |mine: &str, theirs: &str| !mine.is_empty() && mine.eq_ignore_ascii_case(theirs);
        match region {
            None if same(&self.zone, &provider.zone) => Distance::SameZone,
            None if same(&self.region, &provider.region) => Distance::SameRegion,
            Some(region) if same(&self.region, region) => Distance::SameRegion,
            _ => Distance::Elsewhere,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_is_read_from_the_zone() {
        for (zone, region, expected) in [
            ("eu-west-1a", "", "eu-west-1"),
            ("europe-west1-b", "", "europe-west1"),
            ("rack", "", "rack"),
            ("westeurope-2", "", "westeurope-2"),
            ("a", "home", "home"),
            ("", "", ""),
        ] {
            assert_eq!(Place::new(zone, region).region, expected, "{zone}");
        }
    }
}
