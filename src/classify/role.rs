//! What a file is for, told by its path: a flaw in a test hurts less than one in the product.

use std::sync::OnceLock;

use bstr::BStr;

use crate::paths::Paths;

/// What scores in test and example files are multiplied with.
const TEST: f64 = 0.5;

/// Files that are tests, fixtures or examples by the habits of the common languages.
const TEST_GLOBS: [&str; 15] = [
    "**/test/**",
    "**/tests/**",
    "**/testdata/**",
    "**/__tests__/**",
    "**/spec/**",
    "**/specs/**",
    "**/fixtures/**",
    "**/examples/**",
    "**/benches/**",
    "**/test_*.py",
    "**/*_test.*",
    "**/*.test.*",
    "**/*.spec.*",
    "**/*_spec.rb",
    "**/*Test.java",
];

/// What a file's scores are multiplied with.
pub(super) fn factor(path: &BStr) -> f64 {
    static TESTS: OnceLock<Paths> = OnceLock::new();
    let tests = TESTS.get_or_init(|| Paths::new(TEST_GLOBS));
    if tests.is_match(path) { TEST } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_told_by_their_path() {
        for path in ["tests/a.rs", "a/test_login.py", "pkg/x_test.go", "src/a.spec.ts"] {
            assert!(factor(path.into()) < 1.0, "{path}");
        }
        for path in ["src/latest.rs", "contest/a.py", "app/auth.py"] {
            assert!(factor(path.into()) >= 1.0, "{path}");
        }
    }
}
