package cache_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// survives runs f in a process of its own, which f may end: a panic in a goroutine of the library's is such an end.
func survives(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	const marker = "FRESHET_TEST_CHILD"
	if os.Getenv(marker) == t.Name() {
		f(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.timeout=30s")
	cmd.Env = append(os.Environ(), marker+"="+t.Name())
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out[:min(len(out), 2000)])
}
