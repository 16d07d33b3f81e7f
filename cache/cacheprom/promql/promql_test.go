// Package promql_test holds the queries of the dashboard and of the alerts against the grammar of Prometheus itself. It is a
// module of its own, and nothing but a test, so that nobody else depends on all that Prometheus does.
package promql_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// parse requires a query whose answer can be drawn, and compared with a threshold.
func parse(t *testing.T, title, query string) {
	t.Helper()
	query = strings.ReplaceAll(query, "$__rate_interval", "5m") // as Grafana does; other variables are in strings
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(query)
	require.NoError(t, err, "%s: %s", title, query)
	require.Equal(t, parser.ValueTypeVector, expr.Type(), title)
}

func TestAlerts(t *testing.T) {
	text, err := os.ReadFile("../alerts.yaml")
	require.NoError(t, err)
	var file struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &file))
	require.NotEmpty(t, file.Groups)
	for _, g := range file.Groups {
		require.NotEmpty(t, g.Rules)
		for _, r := range g.Rules {
			parse(t, r.Alert, r.Expr)
		}
	}
}

func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("../dashboard.json")
	require.NoError(t, err)
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	require.NoError(t, json.Unmarshal(text, &dashboard))
	require.NotEmpty(t, dashboard.Panels)
	for _, p := range dashboard.Panels {
		require.NotEmpty(t, p.Targets, p.Title)
		for _, target := range p.Targets {
			parse(t, p.Title, target.Expr)
		}
	}
}
