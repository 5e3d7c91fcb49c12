// One program that is a whole Kubernetes control plane, made of upstream's own packages: the first argument chooses what
// it is.
//
//	up                       etcd, API server, controller manager, scheduler and the nodes' front, each a process of its own
//	etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubectl
//	                         upstream's commands, with upstream's flags
//	front                    takes exec, logs and forwarded ports for nodes that speak WebSocket only (see front.go)
package main

import (
	"fmt"
	"os"
	"path/filepath"
	_ "time/tzdata" // time zones of CronJobs, as upstream's own programs have them

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	_ "k8s.io/client-go/plugin/pkg/client/auth"
	"k8s.io/component-base/cli"
	"k8s.io/component-base/logs"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

func main() {
	// Tests want a kubectl that other programs can start.
	if filepath.Base(os.Args[0]) == "kubectl" {
		os.Args = append([]string{"", "kubectl"}, os.Args[1:]...)
	}
	if len(os.Args) < 2 {
		fail(fmt.Errorf("say what to be: up, etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubectl or front"))
	}
	what := os.Args[1]
	os.Args = append([]string{what}, os.Args[2:]...)
	switch what {
	case "up":
		fail(up(os.Args[1:]))
	case "front":
		fail(front(os.Args[1:]))
	case "etcd":
		etcdmain.Main(os.Args)
	case "kube-apiserver":
		run(apiserver.NewAPIServerCommand())
	case "kube-controller-manager":
		run(controllermanager.NewControllerManagerCommand())
	case "kube-scheduler":
		run(scheduler.NewSchedulerCommand())
	case "kubectl":
		logs.GlogSetter(kubectl.GetLogVerbosity(os.Args))
		if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
			kubectlutil.CheckErr(err)
		}
	default:
		fail(fmt.Errorf("%s is not part of this program", what))
	}
}

func run(command *cobra.Command) {
	os.Exit(cli.Run(command))
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
