package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/freshet-go/freshet/benchmarks/peers/contender"
	"github.com/freshet-go/freshet/benchmarks/peers/scenario"
)

func (r *report) markdown() string {
	var b strings.Builder
	verdicts, missed := r.verdicts(), r.missed()
	fmt.Fprintf(&b, "# What safety costs\n\nFreshet beside the caches that others use, in one run: **%d of %d targets reached**.\n", len(verdicts)-len(missed), len(verdicts))
	if r.settings.quick {
		b.WriteString("This was a quick run: a look, not a measurement.\n")
	}
	b.WriteString("\nContenders take turns (A, B, C, A, B, C, …); a figure is the median of the rounds, and a target compares two " +
		"contenders round by round. Trust ratios, not times. Targets that were missed are red; " +
		"[FLOORS.md](FLOORS.md) says where the time goes there.\n\n")
	r.circumstances(&b)
	for _, c := range r.charts {
		fmt.Fprintf(&b, "![%s](%s/%s)\n\n", c.plot.Title.Text, chartFolder, c.file)
	}
	if r.conducts != nil {
		r.conformance(&b)
	}
	for _, s := range r.sections {
		s.markdown(&b)
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func (r *report) circumstances(b *strings.Builder) {
	m := r.machine
	command := strings.Join(append([]string{"go run ./benchmarks/report"}, r.settings.args...), " ")
	b.WriteString("| | |\n|---|---|\n")
	for _, row := range [][2]string{
		{"command", "`" + command + "`"},
		{"date", r.began.UTC().Format("2006-01-02 15:04 UTC")},
		{"took", fmt.Sprintf("%.0f s", r.took.Seconds())},
		{"rounds", fmt.Sprintf("%d of %v each", r.settings.lab.Rounds, r.settings.lab.RoundTime)},
		{"machine", m.System + ", " + m.CPU},
		{"load before", m.Load},
		{"commit", m.Commit},
		{"Go", m.Go},
		{"redis-server", m.Redis + ", over loopback"},
		{"libraries", strings.Join(m.Libraries, ", ")},
		{"traces", r.settings.traces},
	} {
		fmt.Fprintf(b, "| %s | %s |\n", row[0], row[1])
	}
	b.WriteString("\n")
}

func (r *report) conformance(b *strings.Builder) {
	b.WriteString("## S0: What they do\n\nEach contender is checked before it is timed. What it fails, its figures do not pay for.\n\n" +
		"| contender | passed | failed |\n|---|---|---|\n")
	for _, c := range r.conducts {
		failed := strings.Join(c.failed, ", ")
		fmt.Fprintf(b, "| %s | %d of %d | %s |\n", c.name, c.asked-len(c.failed), c.asked, failed)
	}
	b.WriteString("\n")
	for _, check := range contender.Checks() {
		fmt.Fprintf(b, "- **%s**: %s\n", check.Name, check.Says)
	}
	b.WriteString("\n")
}

func (s section) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "## %s: %s\n\n%s\n\n", s.scenario.ID, s.scenario.Title, s.scenario.Note)
	for _, err := range s.errors {
		fmt.Fprintf(b, "🔴 did not run: %v\n\n", err)
	}
	if verdicts := s.verdicts(); len(verdicts) > 0 {
		b.WriteString("| | | target | reached |\n|---|---|---|---|\n")
		for _, v := range verdicts {
			mark := "🔴"
			if v.reached {
				mark = "🟢"
			}
			fmt.Fprintf(b, "| %s | %s | %v | %s |\n", mark, strings.ReplaceAll(v.bout.Case, "/", " "), v.target, figure(v.value))
		}
		b.WriteString("\n")
	}
	for _, group := range s.alike() {
		figures(b, group)
	}
}

// alike groups results with the same metrics, which make one table.
func (s section) alike() [][]scenario.Result {
	var groups [][]scenario.Result
	for _, result := range s.results {
		last := len(groups) - 1
		if last >= 0 && slices.Equal(metrics(groups[last][0]), metrics(result)) {
			groups[last] = append(groups[last], result)
		} else {
			groups = append(groups, []scenario.Result{result})
		}
	}
	return groups
}

func metrics(r scenario.Result) []string {
	all := scenario.Sample{}
	for _, e := range r.Bout.Entrants {
		maps.Copy(all, r.Medians(e.Lib))
	}
	return slices.Sorted(maps.Keys(all))
}

func figures(b *strings.Builder, results []scenario.Result) {
	columns := metrics(results[0])
	fmt.Fprintf(b, "| %s | contender | %s |\n|---|---|%s\n", results[0].Bout.Name, strings.Join(columns, " | "), strings.Repeat("---:|", len(columns)))
	for _, r := range results {
		what := strings.ReplaceAll(r.Bout.Case, "/", " ")
		for _, e := range r.Bout.Entrants {
			fmt.Fprintf(b, "| %s | %s |", what, e.Lib)
			for _, metric := range columns {
				fmt.Fprintf(b, " %s |", figure(r.Median(e.Lib, metric)))
			}
			b.WriteString("\n")
		}
	}
	b.WriteString("\n")
}

// figure shows three digits that mean something.
func figure(v float64) string {
	switch size := math.Abs(v); {
	case math.IsNaN(v):
		return ""
	case size >= 1000:
		return grouped(int64(math.Round(v)))
	case size >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case size < 0.001:
		return "0"
	default:
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
}

// grouped writes 1234567 as 1,234,567.
func grouped(v int64) string {
	digits := strconv.FormatInt(v, 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
