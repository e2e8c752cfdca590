//! An explanation is no longer than the control plane takes.
//!
//! In one that would be, each model of the chain has an even part of what room there is beside the candidates. In it stay
//! those with the largest shares, in the operator's order; how many do not is said.

use pointsman_proto::admin::v1::{Candidate, Explanation};
use prost::Message;

/// What surrounds a candidate in a message, or says how many are left out.
const FRAME: usize = 8;

/// Leaves out candidates until the explanation has at most so many bytes.
pub fn shorten(explanation: &mut Explanation, limit: usize) {
    if explanation.encoded_len() <= limit {
        return;
    }
    let all: Vec<_> = explanation.hops.iter_mut().map(|hop| std::mem::take(&mut hop.candidates)).collect();
    let room = limit.saturating_sub(explanation.encoded_len()) / all.len().max(1);
    for (hop, candidates) in explanation.hops.iter_mut().zip(all) {
        let count = candidates.len();
        hop.candidates = likeliest(candidates, room.saturating_sub(FRAME));
        hop.left_out = (count - hop.candidates.len()) as u32;
    }
}

/// Those with the largest shares, as many as there is room for, in the order in which they came.
fn likeliest(mut candidates: Vec<Candidate>, mut room: usize) -> Vec<Candidate> {
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by(|a, b| candidates[*b].share.total_cmp(&candidates[*a].share));
    let fits = |i: &usize| {
        let left = room.checked_sub(candidates[*i].encoded_len() + FRAME);
        room = left.unwrap_or(room);
        left.is_some()
    };
    let mut stay: Vec<usize> = order.into_iter().take_while(fits).collect();
    stay.sort_unstable();
    stay.into_iter().map(|i| std::mem::take(&mut candidates[i])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pointsman_proto::admin::v1::Hop;

    /// A model whose backends have these shares.
    fn hop(shares: impl IntoIterator<Item = f64>) -> Hop {
        let candidate = |(i, share)| Candidate { provider: format!("p{i:05}"), share, ..Default::default() };
        Hop { candidates: shares.into_iter().enumerate().map(candidate).collect(), ..Default::default() }
    }

    #[test]
    fn what_fits_is_told_as_it_is() {
        let mut explanation = Explanation { hops: vec![hop([0.5, 0.5])], ..Default::default() };
        let whole = explanation.clone();
        shorten(&mut explanation, whole.encoded_len());
        assert_eq!(explanation, whole);
    }

    #[test]
    fn the_largest_shares_stay_and_the_rest_is_counted() {
        let shares = (0..10_000).map(|i| if i % 1_000 == 7 { 0.1 } else { 0.0 });
        let mut explanation = Explanation { hops: vec![hop(shares), hop([0.0; 3])], ..Default::default() };
        shorten(&mut explanation, 10_000);
        let length = explanation.encoded_len();
        assert!((2_000..=10_000).contains(&length), "{length}");
        let [first, second] = &explanation.hops[..] else { panic!("there are two") };
        assert_eq!(first.candidates.iter().filter(|candidate| candidate.share > 0.0).count(), 10);
        assert_eq!(first.candidates.len() + first.left_out as usize, 10_000);
        assert!(first.candidates.is_sorted_by_key(|candidate| &candidate.provider), "in the operator's order");
        assert_eq!((second.candidates.len(), second.left_out), (3, 0));
        let mut none = Explanation { refusal: "x".repeat(100), hops: vec![hop([1.0])], ..Default::default() };
        shorten(&mut none, 50);
        assert_eq!((none.hops[0].candidates.len(), none.hops[0].left_out), (0, 1));
    }
}
