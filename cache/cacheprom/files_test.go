package cacheprom_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/cache/cacheprom"
	"github.com/freshet-go/freshet/cache/cachetest"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// exported returns every metric that there can be, by the names that queries use, with its labels.
func exported(t *testing.T) map[string][]string {
	t.Helper()
	node := cachetest.NewRedis(t).Node(t)
	metrics, registry := register(t, cacheprom.Options{Store: node.Store})
	db := cachetest.NewSource(map[string]string{"a": "1"})
	for range 2 { // the second cache finds in Redis what the first one has loaded
		c := cache.Must(cache.New(db.Load, cache.Options{Store: node.Store, Name: "rows", Observer: metrics.Observer()}))
		_, err := c.Get(bg, "a")
		require.NoError(t, err)
		require.NoError(t, c.Invalidate(bg, "b"))
		require.NoError(t, c.Close())
	}
	c := cache.Must(cache.New(db.Load, cache.Options{Store: node.Store, Name: "rows"}))
	_, err := c.Get(bg, "a")
	require.NoError(t, err)
	all := map[string][]string{}
	f, _ := scrape(t, registry)
	for name, family := range f {
		labels := []string{"instance", "job"} // Prometheus adds them
		for _, l := range family.Metric[0].Label {
			labels = append(labels, l.GetName())
		}
		if family.GetType() == dto.MetricType_HISTOGRAM {
			all[name+"_bucket"], all[name+"_sum"], all[name+"_count"] = append(labels, "le"), labels, labels
			continue
		}
		all[name] = labels
	}
	return all
}

var (
	metricName = regexp.MustCompile(`\bfreshet_[a-z_]+`)
	selector   = regexp.MustCompile(`\b(freshet_[a-z_]+)\{([^}]*)\}`)
	matcher    = regexp.MustCompile(`([a-z_]+)(?:=~|!~|!=|=)"`)
	grouping   = regexp.MustCompile(`\bby \(([^)]*)\)`)
)

// check holds a query against what is exported.
func check(t *testing.T, all map[string][]string, query string) {
	t.Helper()
	names := metricName.FindAllString(query, -1)
	require.NotEmpty(t, names, query)
	for _, name := range names {
		require.Contains(t, all, name, query)
	}
	for _, m := range selector.FindAllStringSubmatch(query, -1) {
		for _, label := range matcher.FindAllStringSubmatch(m[2], -1) {
			require.Contains(t, all[m[1]], label[1], query)
		}
	}
	for _, m := range grouping.FindAllStringSubmatch(query, -1) {
		for label := range strings.SplitSeq(m[1], ", ") {
			require.Contains(t, all[names[0]], label, query)
		}
	}
	require.Equal(t, strings.Count(query, "("), strings.Count(query, ")"), query)
}

func TestDashboard(t *testing.T) {
	all := exported(t)
	text, err := os.ReadFile("dashboard.json")
	require.NoError(t, err)
	var dashboard struct {
		Title, UID string
		Panels     []struct {
			ID      int
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr, LegendFormat string }
		}
		Templating struct {
			List []struct{ Name, Type, Definition string }
		}
	}
	require.NoError(t, json.Unmarshal(text, &dashboard))
	require.NotEmpty(t, dashboard.Title)
	var ids []int
	var used strings.Builder
	for _, p := range dashboard.Panels {
		require.NotContains(t, ids, p.ID)
		ids = append(ids, p.ID)
		require.NotEmpty(t, p.Title)
		require.NotEmpty(t, p.Targets, p.Title)
		require.LessOrEqual(t, p.GridPos.X+p.GridPos.W, 24)
		for _, target := range p.Targets {
			check(t, all, target.Expr)
			used.WriteString(target.Expr + " ")
			for _, m := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(target.LegendFormat, -1) {
				require.Contains(t, all[metricName.FindString(target.Expr)], m[1], target.LegendFormat)
			}
		}
	}
	var variables []string
	for _, v := range dashboard.Templating.List {
		variables = append(variables, v.Name)
		if v.Type == "query" {
			check(t, all, v.Definition)
		}
	}
	for _, m := range regexp.MustCompile(`\$([a-z]+)`).FindAllStringSubmatch(used.String(), -1) {
		require.True(t, slices.Contains(variables, m[1]), "variable %s", m[1])
	}
}

func TestAlerts(t *testing.T) {
	all := exported(t)
	text, err := os.ReadFile("alerts.yaml")
	require.NoError(t, err)
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	decoder.KnownFields(true)
	require.NoError(t, decoder.Decode(&file))
	var names []string
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			require.NotContains(t, names, r.Alert)
			names = append(names, r.Alert)
			check(t, all, r.Expr)
			require.Contains(t, []string{"info", "warning", "critical"}, r.Labels["severity"], r.Alert)
			require.NotEmpty(t, r.Annotations["summary"], r.Alert)
			require.NotEmpty(t, r.Annotations["description"], r.Alert)
			by := all[metricName.FindString(r.Expr)]
			if m := grouping.FindStringSubmatch(r.Expr); m != nil {
				by = strings.Split(m[1], ", ")
			}
			for _, m := range regexp.MustCompile(`\$labels\.(\w+)`).FindAllStringSubmatch(r.Annotations["summary"], -1) {
				require.Contains(t, by, m[1], r.Alert)
			}
		}
	}
	require.NotEmpty(t, names)
}
