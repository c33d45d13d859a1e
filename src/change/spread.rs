//! Work spread over the cores, its results in a fixed order.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// More threads than this wait for each other at the same object database.
const MAX_THREADS: usize = 8;

/// Fewer pieces of work than this for each thread are not worth starting it for.
const LEAST: usize = 3;

/// What `work` gives for each number below `count`, in their order. Each thread has a state of its own,
/// and takes the next number that is left.
pub(super) fn over<S, T: Send>(
    count: usize,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize) -> T + Sync,
) -> Vec<T> {
    // To be told the number of cores takes a tenth of a millisecond.
    let most = MAX_THREADS.min(count / LEAST);
    let threads = match most {
        0 | 1 => 1,
        _ => thread::available_parallelism().map_or(1, usize::from).min(most),
    };
    if threads < 2 {
        let mut state = state();
        return (0..count).map(|at| work(&mut state, at)).collect();
    }
    let next = AtomicUsize::new(0);
    let run = || {
        let mut state = state();
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= count {
                return done;
            }
            done.push((at, work(&mut state, at)));
        }
    };
    let mut done: Vec<(usize, T)> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        let mut done = run();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|&(at, _)| at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::over;

    #[test]
    fn results_come_in_the_order_of_the_work() {
        for count in [0, 1, 7, 1000] {
            let squares = over(
                count,
                || 0,
                |calls, at| {
                    *calls += 1;
                    at * at
                },
            );
            assert_eq!(squares, (0..count).map(|at| at * at).collect::<Vec<_>>());
        }
    }
}
