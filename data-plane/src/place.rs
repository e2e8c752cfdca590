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

    /// This place, or where it names no zone the place in that zone.
    pub fn or_in(&self, zone: &str) -> Self {
        if self.zone.is_empty() { Self::new(zone, &self.region) } else { self.clone() }
    }

    /// How far away `provider` answers, for a line that may name another region than the provider's.
    pub fn distance(&self, provider: &Provider, region: Option<&str>) -> Distance {
        let same = |mine: &str, theirs: &str| !mine.is_empty() && mine.eq_ignore_ascii_case(theirs);
        let region = region.unwrap_or(&provider.region);
        // The provider's zone is one of its own region.
        if region.eq_ignore_ascii_case(&provider.region) && same(&self.zone, &provider.zone) {
            Distance::SameZone
        } else if same(&self.region, region) {
            Distance::SameRegion
        } else {
            Distance::Elsewhere
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pointsman_proto::admin::v1 as admin;

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

    #[test]
    fn a_zone_counts_where_the_line_is_in_its_providers_region() {
        use Distance::{Elsewhere, SameRegion, SameZone};
        let here = Place::new("eu-west-1a", "");
        for (provider_region, provider_zone, line_region, expected) in [
            ("eu-west-1", "eu-west-1a", None, SameZone),
            ("eu-west-1", "eu-west-1a", Some("eu-west-1"), SameZone),
            ("eu-west-1", "eu-west-1a", Some("EU-West-1"), SameZone),
            ("eu-west-1", "eu-west-1a", Some("us-east-1"), Elsewhere),
            ("us-east-1", "us-east-1a", Some("eu-west-1"), SameRegion),
            ("eu-west-1", "eu-west-1b", None, SameRegion),
            ("", "eu-west-1a", None, SameZone),
            ("", "", None, Elsewhere),
        ] {
            let provider = admin::Provider {
                name: "p".into(),
                base_url: "http://h".into(),
                region: provider_region.into(),
                zone: provider_zone.into(),
                ..Default::default()
            };
            let provider = Provider::check(&provider, "").expect("it is valid");
            assert_eq!(here.distance(&provider, line_region), expected, "{provider_zone} {line_region:?}");
        }
    }

    #[test]
    fn what_a_node_was_started_with_goes_before_what_is_registered() {
        let check = |stated: Place, expected: (&str, &str)| {
            let place = stated.or_in("us-east-1b");
            assert_eq!((&*place.zone, &*place.region), expected);
        };
        check(Place::default(), ("us-east-1b", "us-east-1"));
        check(Place::new("eu-west-1a", ""), ("eu-west-1a", "eu-west-1"));
        check(Place::new("", "home"), ("us-east-1b", "home"));
    }
}
