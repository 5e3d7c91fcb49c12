//! What a recipe says to run, and how the pod's own command and arguments go with it.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use super::{ImageName, USUAL_PATH};

/// The program that stands for an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Program {
    /// Where the programs are that it needs.
    pub(crate) folders: Vec<PathBuf>,
    pub(crate) setup: Option<String>,
    pub(crate) command: Vec<String>,
    pub(crate) args: Vec<String>,
    pub(crate) environment: BTreeMap<String, String>,
}

/// What the placeholders of a recipe stand for.
pub(crate) struct Values<'a> {
    pub(crate) address: Ipv4Addr,
    pub(crate) pod: &'a str,
    pub(crate) hostname: &'a str,
    pub(crate) helper: &'a str,
}

impl Program {
    pub(super) fn for_image(self, image: &ImageName) -> Self {
        self.map(&|text| text.replace("${IMAGE_TAG}", &image.tag))
    }

    /// Puts values in the place of placeholders.
    pub(crate) fn with(self, values: &Values<'_>) -> Self {
        self.map(&|text| {
            text.replace("${POD_IP}", &values.address.to_string())
                .replace("${POD_NAME}", values.pod)
                .replace("${HOSTNAME}", values.hostname)
                .replace("${HELPER}", values.helper)
        })
    }

    /// The PATH of a container: the usual folders, then those of the programs that are elsewhere.
    pub(crate) fn path(&self) -> String {
        let mut path: Vec<String> = USUAL_PATH.split(':').map(str::to_owned).collect();
        for folder in &self.folders {
            let folder = folder.display().to_string();
            if !path.contains(&folder) {
                path.push(folder);
            }
        }
        path.join(":")
    }

    fn map(self, replace: &dyn Fn(&str) -> String) -> Self {
        let all = |texts: Vec<String>| texts.iter().map(|text| replace(text)).collect();
        Self {
            folders: self.folders,
            setup: self.setup.as_deref().map(replace),
            command: all(self.command),
            args: all(self.args),
            environment: self
                .environment
                .into_iter()
                .map(|(name, value)| (name, replace(&value)))
                .collect(),
        }
    }

    /// The words to run: the pod's command takes the place of the image's and drops its arguments and setup; the pod's
    /// arguments take the place of the image's.
    pub(crate) fn argv(&self, command: &[String], args: &[String]) -> Vec<String> {
        if !command.is_empty() {
            return command.iter().chain(args).cloned().collect();
        }
        let args = if args.is_empty() { &self.args } else { args };
        let argv: Vec<String> = self.command.iter().chain(args).cloned().collect();
        match &self.setup {
            None => argv,
            Some(setup) => {
                let script = format!("{}\nexec \"$@\"", setup.trim_end());
                let shell = ["/bin/sh", "-c", &script, "sh"].map(str::to_owned);
                shell.into_iter().chain(argv).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn program() -> Program {
        Program {
            command: words("server --quiet"),
            args: words("--port 1"),
            ..Program::default()
        }
    }

    #[test]
    fn command_and_args_combine_as_entrypoint_and_cmd() {
        for (command, args, argv) in [
            ("", "", "server --quiet --port 1"),
            ("", "--port 2", "server --quiet --port 2"),
            ("other", "", "other"),
            ("other", "-x", "other -x"),
        ] {
            assert_eq!(program().argv(&words(command), &words(args)), words(argv));
        }
    }

    #[test]
    fn programs_are_found_where_they_are() {
        let program = Program {
            folders: ["/usr/bin", "/opt/kafka/bin", "/opt/kafka/bin"]
                .map(PathBuf::from)
                .to_vec(),
            ..Program::default()
        };
        assert_eq!(program.path(), format!("{USUAL_PATH}:/opt/kafka/bin"));
    }

    #[test]
    fn setup_runs_before_the_images_command_and_not_before_the_pods() {
        let program = Program {
            setup: Some("cd /data".to_owned()),
            ..program()
        };

        let own = program.argv(&[], &[]);
        assert_eq!(
            own.get(2).map(String::as_str),
            Some("cd /data\nexec \"$@\"")
        );
        assert_eq!(own.get(4).map(String::as_str), Some("server"));
        assert_eq!(program.argv(&words("sh"), &[]), words("sh"));
    }
}
