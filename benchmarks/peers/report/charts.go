package main

import (
	"cmp"
	"errors"
	stdcolor "image/color"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/freshet-go/freshet/benchmarks/peers/scenario"
)

const (
	chartFolder = "charts"
	chartWidth  = 16 * vg.Centimeter
	chartHeight = 10 * vg.Centimeter
	margin      = 4 * vg.Millimeter
)

// chart is a drawing, and the name of its file.
type chart struct {
	file string
	plot *plot.Plot
}

// save writes the chart as SVG, on white: a reader's page may be dark.
func (c chart) save(file string) error {
	canvas := vgsvg.New(chartWidth, chartHeight)
	c.plot.Draw(draw.Crop(draw.New(canvas), margin, -margin, margin, -margin))
	f, err := os.Create(file) //nolint:gosec // the folder is whoever's who runs this
	if err != nil {
		return err
	}
	_, err = canvas.WriteTo(f)
	return errors.Join(err, f.Close())
}

// color tells contenders apart, and shape those that would share one.
func color(i int) stdcolor.Color { return plotutil.DarkColors[i%len(plotutil.DarkColors)] }

func shape(i int) draw.GlyphDrawer {
	return []draw.GlyphDrawer{draw.CircleGlyph{}, draw.PyramidGlyph{}, draw.BoxGlyph{}}[i/len(plotutil.DarkColors)%3]
}

// width makes the library's own lines stand out.
func width(lib string) vg.Length {
	if strings.HasPrefix(lib, "freshet") {
		return vg.Points(2.5)
	}
	return vg.Points(1.2)
}

// series are the points of one contender.
type series struct {
	lib    string
	points plotter.XYs
}

// drawings are what the figures are there for.
func drawings(r *report) []chart {
	var all []chart
	for _, size := range []string{"200", "2048"} {
		throughput := r.over("RedisHit", "bytes="+size, "callers", scenario.OpsPerS)
		p99 := r.over("RedisHit", "bytes="+size, "callers", scenario.P99)
		all = append(all,
			lines("redis-throughput-"+size, "Hits in Redis, "+size+" bytes", "callers", "a second", throughput, true),
			lines("redis-p99-"+size, "Hits in Redis, "+size+" bytes: 99th percentile", "callers", "ns", p99, true))
	}
	all = append(all, tiers(r))
	for _, name := range r.traceNames() {
		all = append(all, lines("hit-ratio-"+name, "Hit ratio, trace "+name, "memory, % of the distinct keys", "% of the requests",
			r.over("HitRatio", "trace="+name, "share", scenario.HitRatio), false))
	}
	return slices.DeleteFunc(all, func(c chart) bool { return c.plot == nil })
}

// results are those of all bouts of a name.
func (r *report) results(name string) []scenario.Result {
	var all []scenario.Result
	for _, s := range r.sections {
		for _, result := range s.results {
			if result.Bout.Name == name {
				all = append(all, result)
			}
		}
	}
	return all
}

// dimension returns the value of a dimension of a case, such as 16 in callers=16.
func dimension(what, name string) (string, bool) {
	for part := range strings.SplitSeq(what, "/") {
		if value, ok := strings.CutPrefix(part, name+"="); ok {
			return value, true
		}
	}
	return "", false
}

func (r *report) traceNames() []string {
	var names []string
	for _, result := range r.results("HitRatio") {
		if name, ok := dimension(result.Bout.Case, "trace"); ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// over collects a metric of the bouts of a name and a case, over one of their dimensions; shares are shown in percent.
func (r *report) over(name, part, dim, metric string) []series {
	var all []series
	for _, result := range r.results(name) {
		text, ok := dimension(result.Bout.Case, dim)
		x, err := strconv.ParseFloat(text, 64)
		if !ok || err != nil || !slices.Contains(strings.Split(result.Bout.Case, "/"), part) {
			continue
		}
		if dim == "share" {
			x *= 100
		}
		for _, e := range result.Bout.Entrants {
			if y := result.Median(e.Lib, metric); !math.IsNaN(y) && (y > 0 || metric == scenario.HitRatio) { // no zeros on a logarithmic scale
				all = add(all, e.Lib, x, y)
			}
		}
	}
	return all
}

func add(all []series, lib string, x, y float64) []series {
	i := slices.IndexFunc(all, func(s series) bool { return s.lib == lib })
	if i < 0 {
		i = len(all)
		all = append(all, series{lib: lib})
	}
	all[i].points = append(all[i].points, plotter.XY{X: x, Y: y})
	return all
}

// lines draws one line for each contender. There is nothing to draw if there are no points.
func lines(file, title, x, y string, all []series, logarithmic bool) chart {
	if len(all) == 0 {
		return chart{}
	}
	p := sheet(title, x, y)
	if logarithmic {
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, callers{}
		logY(p)
	}
	for i, s := range all {
		line, points, err := plotter.NewLinePoints(s.points)
		if err != nil { // a number that cannot be drawn
			continue
		}
		line.Color, line.Width = color(i), width(s.lib)
		points.Color, points.Shape = color(i), shape(i)
		p.Add(line, points)
		p.Legend.Add(s.lib, line, points)
	}
	if logarithmic {
		p.Y.Min, p.Y.Max = p.Y.Min/1.2, p.Y.Max*3 // room for the legend
	}
	return chart{file + ".svg", p}
}

// tiers draws what an answer costs, by where it comes from.
func tiers(r *report) chart {
	sources := []struct{ name, bout, part, metric string }{
		{"memory", "MemoryHit", "type=string/callers=1", scenario.NsPerOp},
		{"Redis", "RedisHit", "bytes=200/callers=1", scenario.P50},
		{"a load of 1 ms", "Miss", "keys=1", scenario.P50},
	}
	var all []series
	var labels []string
	for x, source := range sources {
		labels = append(labels, source.name)
		for _, result := range r.results(source.bout) {
			if !strings.HasSuffix(result.Bout.Case, source.part) {
				continue
			}
			for _, e := range result.Bout.Entrants {
				if y := result.Median(e.Lib, source.metric); y > 0 {
					all = add(all, e.Lib, float64(x), y)
				}
			}
		}
	}
	if len(all) == 0 {
		return chart{}
	}
	p := sheet("An answer, by where it comes from: one caller", "", "ns")
	logY(p)
	slices.SortFunc(all, func(a, b series) int { return cmp.Compare(a.lib, b.lib) })
	for i, s := range all {
		for n := range s.points { // side by side
			s.points[n].X += 0.5 * (float64(i)/float64(len(all)) - 0.5)
		}
		points, err := plotter.NewScatter(s.points)
		if err != nil {
			continue
		}
		points.Color, points.Shape, points.Radius = color(i), shape(i), vg.Points(3.5)
		p.Add(points)
		p.Legend.Add(s.lib, points)
	}
	p.NominalX(labels...)
	p.X.Min, p.X.Max = -0.5, float64(len(labels)) // room for the legend
	p.Legend.Top, p.Legend.Left = false, false
	return chart{"latency-by-tier.svg", p}
}

func sheet(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Title.Padding, p.X.Padding, p.Y.Padding = 3*vg.Millimeter, 2*vg.Millimeter, 2*vg.Millimeter
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.TextStyle.Font.Size = vg.Points(9)
	p.Add(plotter.NewGrid())
	return p
}

func logY(p *plot.Plot) {
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
}

// callers are the ticks of numbers of callers.
type callers struct{}

// Ticks shows those that are measured.
func (callers) Ticks(low, high float64) []plot.Tick {
	var all []plot.Tick
	for _, n := range []float64{1, 16, 128, 512} {
		if low <= n && n <= high {
			all = append(all, plot.Tick{Value: n, Label: strconv.Itoa(int(n))})
		}
	}
	return all
}
