//! Image recipes: which local program stands for which image. The table is data; its format is documented at the head
//! of the built-in one ([`BUILT_IN`]).

mod image;
mod program;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

pub(crate) use image::ImageName;
pub(crate) use program::{Program, Values};

/// The built-in table, with the documentation of the format.
pub const BUILT_IN: &str = include_str!("recipes/recipes.yaml");

/// A recipe file that cannot be used.
#[derive(Debug, Error)]
pub enum RecipeError {
    /// It cannot be read.
    #[error("recipe file {path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not in the format.
    #[error(
        "recipe file {path} is not a table of image recipes: {source}; its format is documented at the head of the built-in table"
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and what.
        source: serde_yaml::Error,
    },
}

impl RecipeError {
    /// A stable word for events, metrics and conditions.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "RecipesUnreadable",
            Self::Malformed { .. } => "RecipesMalformed",
        }
    }
}

/// An image that no local program stands for.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum Missing {
    #[error(
        "no image recipe for {image:?}: this node pulls nothing, it runs local programs; add a recipe for it to {file}"
    )]
    Recipe { image: String, file: String },
    #[error(
        "image {image:?} needs {needs} on this machine; install it, or add another recipe to {file}"
    )]
    Programs {
        image: String,
        needs: String,
        file: String,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    recipes: Vec<Recipe>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recipe {
    images: Vec<String>,
    variants: Vec<Variant>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Variant {
    #[serde(default)]
    needs: Vec<String>,
    #[serde(default)]
    setup: Option<String>,
    #[serde(default)]
    command: Vec<String>,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
}

impl Variant {
    fn program(&self, folders: Vec<PathBuf>) -> Program {
        Program {
            folders,
            setup: self.setup.clone(),
            command: self.command.clone(),
            args: self.args.clone(),
            environment: self.environment.clone(),
        }
    }
}

/// All recipes, the user's own first.
#[derive(Debug)]
pub(crate) struct Recipes {
    recipes: Vec<Recipe>,
    /// The file that a message tells the user to extend.
    extend: String,
}

impl Recipes {
    /// Reads the user's files, of which missing ones are skipped, and the built-in table.
    pub(crate) fn load(files: &[PathBuf]) -> Result<Self, RecipeError> {
        let mut recipes = Vec::new();
        for path in files {
            match std::fs::read_to_string(path) {
                Ok(text) => recipes.extend(parse(path, &text)?),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(source) => {
                    return Err(RecipeError::Unreadable {
                        path: path.clone(),
                        source,
                    });
                }
            }
        }
        recipes.extend(parse(Path::new("(built in)"), BUILT_IN)?);
        Ok(Self {
            recipes,
            extend: files.first().map_or_else(
                || "a recipe file of your own".to_owned(),
                |file| file.display().to_string(),
            ),
        })
    }

    /// The program for an image, or why there is none.
    pub(crate) fn program(&self, image: &str) -> Result<Program, Missing> {
        self.program_where(image, &folder_of)
    }

    fn program_where(
        &self,
        image: &str,
        folder_of: &dyn Fn(&str) -> Option<PathBuf>,
    ) -> Result<Program, Missing> {
        let name = ImageName::parse(image);
        let mut needs = Vec::new();
        for recipe in self
            .recipes
            .iter()
            .filter(|recipe| name.fits_any(&recipe.images))
        {
            for variant in &recipe.variants {
                let folders = variant.needs.iter().map(|program| folder_of(program));
                if let Some(folders) = folders.collect::<Option<Vec<_>>>() {
                    return Ok(variant.program(folders).for_image(&name));
                }
                needs.push(variant.needs.join(" and "));
            }
        }
        let (image, file) = (image.to_owned(), self.extend.clone());
        Err(if needs.is_empty() {
            Missing::Recipe { image, file }
        } else {
            Missing::Programs {
                image,
                needs: needs.join(", or "),
                file,
            }
        })
    }
}

fn parse(path: &Path, text: &str) -> Result<Vec<Recipe>, RecipeError> {
    let table: Table = serde_yaml::from_str(text).map_err(|source| RecipeError::Malformed {
        path: path.to_owned(),
        source,
    })?;
    Ok(table.recipes)
}

/// Where programs are installed; not all of it is on every user's PATH.
pub(crate) const USUAL_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Where a program is, by this process' PATH or else the usual one.
fn folder_of(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(std::env::split_paths(USUAL_PATH))
        .find(|folder| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anywhere() -> Option<PathBuf> {
        Some(PathBuf::from("/opt/bin"))
    }

    fn recipes() -> Recipes {
        Recipes::load(&[]).expect("the built-in table is well-formed")
    }

    #[test]
    fn the_first_variant_whose_programs_are_installed_is_taken() {
        let with = recipes()
            .program_where("nginx:1.27", &|_| anywhere())
            .expect("a program");
        let without = recipes()
            .program_where("nginx:1.27", &|_| None)
            .expect("a program");

        assert_eq!(with.args.first().map(String::as_str), Some("nginx"));
        assert_eq!(with.folders, [PathBuf::from("/opt/bin")]);
        assert_eq!(without.args.get(1).map(String::as_str), Some("__files"));
    }

    #[test]
    fn an_unknown_image_names_the_file_to_extend() {
        let recipes = Recipes::load(&["/etc/mine.yaml".into()]).expect("a missing file is skipped");

        let missing = recipes
            .program_where("acme/unheard-of:1", &|_| anywhere())
            .expect_err("no recipe");

        assert!(missing.to_string().contains("/etc/mine.yaml"), "{missing}");
    }

    #[test]
    fn the_images_that_the_walkthroughs_and_the_examples_use_are_known() {
        for image in [
            "httpd:2.4",
            "nginx",
            "ikubernetes/myapp:v1",
            "ikubernetes/myapp:v2",
            "luksa/kubia-stored",
            "kubia-stored:v2",
            "busybox:1.36",
            "mariadb:10.11",
            "redis:7",
            "quay.io/coreos/etcd:v3.6.1",
            "zookeeper:3.9",
            "cassandra:5",
            "apache/kafka:4.2.1",
        ] {
            let found = recipes().program_where(image, &|_| anywhere());
            assert!(found.is_ok(), "{image}: {found:?}");
        }
        let recipes = Recipes::load(&["/etc/recipes.yaml".into()]).expect("loaded");
        let missing = recipes.program_where("apache/kafka:4.2.1", &|program| {
            (program == "java").then(|| PathBuf::from("/usr/bin"))
        });
        let told = missing.expect_err("no programs").to_string();
        assert!(
            told.contains("kafka-server-start.sh") && told.contains("recipes.yaml"),
            "{told}"
        );
    }

    #[test]
    fn every_setup_is_a_script_that_a_shell_can_read() {
        for recipe in recipes().recipes {
            for setup in recipe
                .variants
                .iter()
                .filter_map(|variant| variant.setup.as_ref())
            {
                let read = std::process::Command::new("sh")
                    .args(["-n", "-c", setup])
                    .output()
                    .expect("a shell");
                assert!(
                    read.status.success(),
                    "{:?}: {}",
                    recipe.images,
                    String::from_utf8_lossy(&read.stderr)
                );
            }
        }
    }

    #[test]
    fn a_known_image_without_its_programs_says_what_to_install() {
        let missing = recipes()
            .program_where("mariadb:10.11", &|_| None)
            .expect_err("no programs");

        assert!(
            missing
                .to_string()
                .contains("mariadbd and mariadb-install-db"),
            "{missing}"
        );
    }
}
