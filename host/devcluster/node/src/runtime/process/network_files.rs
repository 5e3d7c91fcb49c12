//! `/etc/hosts`, `/etc/hostname` and `/etc/resolv.conf` of a pod, as a kubelet writes them.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::{fs, io};

use k8s_openapi::api::core::v1::Pod;

use crate::runtime::Mount;

/// The domain of the cluster's names.
pub(crate) const CLUSTER_DOMAIN: &str = "cluster.local";

/// Writes the files below `folder` and says where they belong.
pub(super) fn write(
    folder: &Path,
    pod: &Pod,
    hostname: &str,
    address: Ipv4Addr,
    dns: Option<Ipv4Addr>,
) -> io::Result<Vec<Mount>> {
    fs::create_dir_all(folder)?;
    let mut mounts = vec![
        file(folder, "hosts", &hosts(pod, hostname, address))?,
        file(folder, "hostname", &format!("{hostname}\n"))?,
    ];
    if let Some(text) = resolv_conf(pod, dns) {
        mounts.push(file(folder, "resolv.conf", &text)?);
    }
    Ok(mounts)
}

fn file(folder: &Path, name: &str, text: &str) -> io::Result<Mount> {
    let source = folder.join(name);
    fs::write(&source, text)?;
    Ok(Mount {
        source,
        target: PathBuf::from(format!("/etc/{name}")),
        read_only: false,
    })
}

fn hosts(pod: &Pod, hostname: &str, address: Ipv4Addr) -> String {
    let spec = pod.spec.as_ref();
    let namespace = pod.metadata.namespace.as_deref().unwrap_or("default");
    let mut text = String::from(
        "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n",
    );
    text += &match spec.and_then(|spec| spec.subdomain.as_deref()) {
        Some(subdomain) => {
            format!(
                "{address}\t{hostname}.{subdomain}.{namespace}.svc.{CLUSTER_DOMAIN}\t{hostname}\n"
            )
        }
        None => format!("{address}\t{hostname}\n"),
    };
    for alias in spec
        .and_then(|spec| spec.host_aliases.as_ref())
        .into_iter()
        .flatten()
    {
        let names = alias.hostnames.clone().unwrap_or_default();
        text += &format!("{}\t{}\n", alias.ip, names.join("\t"));
    }
    text
}

/// `None`: the pod keeps the machine's file.
fn resolv_conf(pod: &Pod, dns: Option<Ipv4Addr>) -> Option<String> {
    let spec = pod.spec.as_ref();
    let policy = spec
        .and_then(|spec| spec.dns_policy.as_deref())
        .unwrap_or("ClusterFirst");
    let namespace = pod.metadata.namespace.as_deref().unwrap_or("default");
    let (mut servers, mut searches, mut options) = (Vec::new(), Vec::new(), Vec::new());
    match (policy, dns) {
        ("Default", _) => return None,
        ("None", _) => {}
        (_, None) => return None,
        (_, Some(dns)) => {
            servers.push(dns.to_string());
            searches = vec![
                format!("{namespace}.svc.{CLUSTER_DOMAIN}"),
                format!("svc.{CLUSTER_DOMAIN}"),
                CLUSTER_DOMAIN.to_owned(),
            ];
            options.push("ndots:5".to_owned());
        }
    }
    if let Some(own) = spec.and_then(|spec| spec.dns_config.as_ref()) {
        servers.extend(own.nameservers.clone().unwrap_or_default());
        searches.extend(own.searches.clone().unwrap_or_default());
        options.extend(own.options.iter().flatten().filter_map(|option| {
            let name = option.name.as_ref()?;
            Some(match &option.value {
                Some(value) => format!("{name}:{value}"),
                None => name.clone(),
            })
        }));
    }
    let mut text = String::new();
    if !searches.is_empty() {
        text += &format!("search {}\n", searches.join(" "));
    }
    for server in servers {
        text += &format!("nameserver {server}\n");
    }
    if !options.is_empty() {
        text += &format!("options {}\n", options.join(" "));
    }
    Some(text)
}
