//go:build unix

package main

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain lets the test's binary be a node, too.
func TestMain(m *testing.M) {
	if os.Getenv(nodeEnv) != "" {
		nodeMain()
		return
	}
	goleak.VerifyTestMain(m)
}
