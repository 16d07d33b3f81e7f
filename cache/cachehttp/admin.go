package cachehttp

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/freshet-go/freshet/internal/key"
	"github.com/freshet-go/freshet/tiered"
)

// AdminOptions configure NewAdmin.
type AdminOptions struct {
	// Store is the one whose keys may be invalidated. Required.
	Store *tiered.Store
	// Authorize says who sent a request, and whether they may invalidate. Required.
	Authorize func(*http.Request) (who string, ok bool)
	// Logger hears of every invalidation, and of every request that was refused. nil: slog.Default().
	Logger *slog.Logger
	// Protection refuses what browsers send on behalf of other sites. nil: the standard library's default, which lets
	// same-origin requests pass, and those that no browser has sent.
	Protection *http.CrossOriginProtection
}

// Admin is a handler that invalidates. It takes POST requests with a form:
//
//	segment=users&segment=42    the name of the cache, and the segments of the key, as text; the fields of a struct
//	                            are one segment each
//	scope=key                   that key alone; or
//	scope=prefix                all keys that begin with these segments: with the name alone, the whole cache; or
//	scope=all                   everything, without segments
//
// It answers 200 with {"scope":"key","segments":["users","42"],"deferred":false}; deferred is true where Redis could not
// be told yet: this node obeys, and the others hear of it when Redis is back. Faults of the request are answered 400, 403,
// 405, 413 or 415.
type Admin struct {
	options AdminOptions
}

// NewAdmin makes an Admin.
func NewAdmin(o AdminOptions) (*Admin, error) {
	var faults []error
	if o.Store == nil {
		faults = append(faults, errors.New("cachehttp: AdminOptions.Store is nil: there is nothing to invalidate"))
	}
	if o.Authorize == nil {
		faults = append(faults, errors.New("cachehttp: AdminOptions.Authorize is nil: say who may invalidate"))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Protection == nil {
		o.Protection = http.NewCrossOriginProtection()
	}
	return &Admin{o}, nil
}

// ServeHTTP checks the method, the site that the request comes from, and who sends it, in this order.
func (a *Admin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "cachehttp: POST only", http.StatusMethodNotAllowed)
		return
	}
	if err := a.options.Protection.Check(r); err != nil {
		a.refuse(w, r, "another site", err)
		return
	}
	a.serve(w, r)
}

func (a *Admin) serve(w http.ResponseWriter, r *http.Request) {
	who, ok := a.options.Authorize(r)
	if !ok {
		a.refuse(w, r, who, errors.New("not authorized"))
		return
	}
	order, status, err := read(w, r)
	if err != nil {
		http.Error(w, "cachehttp: "+err.Error(), status)
		return
	}
	switch err = order.carryOut(r, a.options.Store); {
	case err == nil:
	case errors.Is(err, tiered.ErrDeferred):
		order.Deferred = true
	default:
		a.options.Logger.Error("cachehttp: invalidation failed", "who", who, "scope", order.Scope, "segments", order.Segments, "error", err)
		http.Error(w, "cachehttp: the invalidation failed", http.StatusInternalServerError)
		return
	}
	a.options.Logger.Info("cachehttp: invalidated", "who", who, "scope", order.Scope, "segments", order.Segments,
		"deferred", order.Deferred, "from", r.RemoteAddr)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(order)
}

func (a *Admin) refuse(w http.ResponseWriter, r *http.Request, who string, err error) {
	a.options.Logger.Warn("cachehttp: invalidation refused", "who", who, "error", err, "from", r.RemoteAddr)
	http.Error(w, "cachehttp: forbidden", http.StatusForbidden)
}

// order is what a request asks for, and the answer to it.
type order struct {
	Scope    string   `json:"scope"`
	Segments []string `json:"segments"`
	Deferred bool     `json:"deferred"`
}

const maxForm = 64 << 10

func read(w http.ResponseWriter, r *http.Request) (o order, status int, err error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		var long *http.MaxBytesError
		if errors.As(err, &long) {
			return o, http.StatusRequestEntityTooLarge, fmt.Errorf("a form of more than %d bytes", maxForm)
		}
		return o, http.StatusBadRequest, errors.New("the form is malformed")
	}
	if len(r.PostForm) == 0 { // parameters in the address end up in logs and histories
		return o, http.StatusUnsupportedMediaType, errors.New("send a form: application/x-www-form-urlencoded")
	}
	o.Scope, o.Segments = r.PostForm.Get("scope"), r.PostForm["segment"]
	switch n := len(o.Segments); {
	case o.Scope == "all" && n == 0:
		o.Segments = []string{}
	case o.Scope == "prefix" && n > 0, o.Scope == "key" && n > 1:
	default:
		return o, http.StatusBadRequest, errors.New("no scope " + strconv.Quote(o.Scope) + " with so many segments: " +
			"key takes two or more, prefix one or more, all none")
	}
	return o, 0, nil
}

func (o order) carryOut(r *http.Request, store *tiered.Store) error {
	if o.Scope == "key" {
		return store.Invalidate(r.Context(), key.Join(o.Segments...))
	}
	return store.InvalidatePrefix(r.Context(), o.Segments...)
}
