package main

import (
	"context"
	"fmt"
	"time"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

const patience = 2 * time.Minute

func (l *layout) client() (*kubernetes.Clientset, error) {
	config, err := clientcmd.BuildConfigFromFlags("", l.file("admin.kubeconfig"))
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(config)
}

func serverReady(client *kubernetes.Clientset) func(context.Context) error {
	return func(ctx context.Context) error {
		return client.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	}
}

// Pods need the service account of their namespace, which a controller makes.
func podsAllowed(client *kubernetes.Clientset, hasControllers bool) func(context.Context) error {
	return func(ctx context.Context) error {
		if !hasControllers {
			return nil
		}
		_, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", meta.GetOptions{})
		return err
	}
}

// The nil as soon as the condition holds, or why it still does not after the patience.
func soon(condition func(context.Context) error) <-chan error {
	told := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		for {
			err := condition(ctx)
			if err == nil {
				told <- nil
				return
			}
			select {
			case <-ctx.Done():
				told <- fmt.Errorf("the control plane is not usable after %s: %w", patience, err)
				return
			case <-time.After(25 * time.Millisecond):
			}
		}
	}()
	return told
}
