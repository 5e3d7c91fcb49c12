//! Names of images and the patterns that they are compared with.

/// A parsed image reference: the registry and a digest do not matter to a recipe.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ImageName {
    /// Parts of the repository, the registry's host left out.
    repository: Vec<String>,
    pub(crate) tag: String,
}

impl ImageName {
    pub(crate) fn parse(image: &str) -> Self {
        let image = image.split_once('@').map_or(image, |(name, _digest)| name);
        // A colon before the last slash is the registry's port.
        let (name, tag) = match image.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ => (image, "latest"),
        };
        let mut repository: Vec<String> = name.split('/').map(str::to_owned).collect();
        let is_host = |part: &str| part.contains('.') || part.contains(':') || part == "localhost";
        if repository.len() > 1 && repository.first().is_some_and(|part| is_host(part)) {
            repository.remove(0);
        }
        Self {
            repository,
            tag: tag.to_owned(),
        }
    }

    pub(super) fn fits_any(&self, patterns: &[String]) -> bool {
        patterns.iter().any(|pattern| self.fits(pattern))
    }

    fn fits(&self, pattern: &str) -> bool {
        let (path, tag) = pattern.split_once(':').unwrap_or((pattern, "*"));
        let parts: Vec<&str> = path.split('/').collect();
        let compared = self.repository.len().min(parts.len());
        compared == parts.len()
            && parts
                .iter()
                .rev()
                .zip(self.repository.iter().rev())
                .all(|(pattern, part)| glob(pattern, part))
            && glob(tag, &self.tag)
    }
}

/// `*` stands for any text, everything else for itself.
fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, rest)) => text.strip_prefix(before).is_some_and(|text| {
            text.char_indices()
                .map(|(at, _)| at)
                .chain([text.len()])
                .any(|at| text.get(at..).is_some_and(|tail| glob(rest, tail)))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_compare_the_end_of_the_repository_and_the_tag() {
        for (pattern, image, fits) in [
            ("nginx", "nginx", true),
            ("nginx", "registry.example.com/example/nginx:1.0", true),
            ("nginx", "localhost:5000/nginx", true),
            ("nginx", "nginx-exporter", false),
            ("team/nginx", "nginx", false),
            ("team/nginx", "example.com/team/nginx@sha256:00", true),
            ("app:v1", "app:v1", true),
            ("app:v1", "app:v2", false),
            ("app:latest", "app", true),
            ("app:v*", "app:v27", true),
            ("*sql", "mysql", true),
        ] {
            assert_eq!(
                ImageName::parse(image).fits(pattern),
                fits,
                "{pattern} and {image}"
            );
        }
    }
}
