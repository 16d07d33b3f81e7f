package cachehttp

import (
	"bytes"
	"embed"
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

//go:embed page
var files embed.FS

// policy is the Content-Security-Policy of the page.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// ServeHTTP answers GET and HEAD: with the page where HTML is accepted, with a Snapshot as JSON otherwise and for
// ?format=json. With ?cache=NAME the JSON's history is that of one cache.
func (s *Stats) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "cachehttp: read only", http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("Vary", "Accept")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	query := r.URL.Query()
	switch file, format := query.Get("file"), query.Get("format"); {
	case file == "stats.js" || file == "stats.css":
		serveFile(w, r, file)
	case file != "" || format != "" && format != "json" && format != "html":
		http.Error(w, "cachehttp: no such file or format", http.StatusNotFound)
	case format == "json" || format == "" && !wantsPage(r.Header.Values("Accept")):
		s.serveJSON(w, query.Get("cache"))
	default:
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "no-referrer")
		serveFile(w, r, "index.html")
	}
}

func (s *Stats) serveJSON(w http.ResponseWriter, chosen string) {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(s.snapshot(chosen)); err != nil {
		http.Error(w, "cachehttp: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = b.WriteTo(w)
}

func serveFile(w http.ResponseWriter, r *http.Request, name string) {
	b, err := files.ReadFile("page/" + name)
	if err != nil {
		http.Error(w, "cachehttp: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(b))
}

// wantsPage tells whether a request accepts HTML, and JSON not rather.
func wantsPage(accept []string) bool {
	html, jason := 0.0, 0.0
	for part := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		kind, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		q := 1.0
		if s, ok := params["q"]; ok {
			if q, err = strconv.ParseFloat(s, 64); err != nil {
				q = 0
			}
		}
		switch kind {
		case "text/html", "application/xhtml+xml":
			html = max(html, q)
		case "application/json":
			jason = max(jason, q)
		}
	}
	return html > 0 && html >= jason
}
