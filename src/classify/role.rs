//! What a file is for, told by its path: a flaw in a test hurts less than one in the product.

use std::sync::OnceLock;

use bstr::BStr;

use crate::paths::Paths;
use crate::rules::Language;

/// What scores in test and example files are multiplied with.
const TEST: f64 = 0.5;

/// Files that are tests, fixtures or examples by the habits of the common languages.
const TEST_GLOBS: [&str; 24] = [
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
    "**/*Tests.java",
    "**/*Test.cs",
    "**/*Tests.cs",
    "**/*Tests/**",
    "**/*.Tests/**",
    "**/*Test.php",
    "**/test-*/**",
    "**/samples/**",
    "**/unittest/**",
];

/// Files that help to build, to ship or to develop the product.
const TOOLING_GLOBS: [&str; 27] = [
    "**/completion/**",
    "**/completions/**",
    "**/script/**",
    "**/scripts/**",
    "**/tools/**",
    "**/hack/**",
    "**/contrib/**",
    "**/ci/**",
    "**/.github/**",
    "**/.gitlab/**",
    "**/bench/**",
    "**/benchmarks/**",
    "**/docs/**",
    "**/maint/**",
    "**/packaging/**",
    "**/cmake/**",
    "**/lang/**",
    "**/language/**",
    "**/locale/**",
    "**/locales/**",
    "**/i18n/**",
    "**/m4/**",
    "**/setup.py",
    "**/Rakefile",
    "**/*.gemspec",
    "**/*.gradle",
    "**/build.rs",
];

/// Languages in which things are done; the others hold data, markup or prose.
const CODE: [&str; 18] = [
    "python",
    "javascript",
    "typescript",
    "go",
    "java",
    "kotlin",
    "scala",
    "ruby",
    "php",
    "rust",
    "c",
    "cpp",
    "csharp",
    "swift",
    "shell",
    "powershell",
    "perl",
    "lua",
];

/// Whether a file is code of the product, whose checks are looked at.
pub(super) fn is_product_code(path: &BStr, language: &Language) -> bool {
    CODE.contains(&language.name()) && factor(path) >= 1.0
}

/// Whether a file helps to build, to ship or to develop the product.
pub(super) fn is_tooling(path: &BStr) -> bool {
    static TOOLING: OnceLock<Paths> = OnceLock::new();
    TOOLING.get_or_init(|| Paths::new(TOOLING_GLOBS)).is_match(path)
}

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
