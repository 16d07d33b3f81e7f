package probe_test

import (
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/freshet-go/freshet/examples/social/internal/probe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestProbe(t *testing.T) {
	var p probe.Probe
	want := func(status int, text string) {
		t.Helper()
		w := httptest.NewRecorder()
		p.Readyz(w, nil)
		require.Equal(t, status, w.Code)
		require.JSONEq(t, `{"status":"`+text+`"}`, w.Body.String())
		w = httptest.NewRecorder()
		p.Livez(w, nil)
		require.Equal(t, 200, w.Code)
	}
	want(503, "warming")
	p.Ready()
	want(200, "ready")
	p.Stopping()
	want(503, "stopping")
	p.Ready() // warming has ended, too late
	want(503, "stopping")
}
