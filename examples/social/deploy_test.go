package main

import (
	"encoding/json"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// root is the repository's, from where images are built.
const root = "../.."

// understood parses a command as the program would in a container.
func understood(t *testing.T, args []string, env func(string) string) settings {
	t.Helper()
	s, err := parse(args, env, io.Discard)
	require.NoError(t, err)
	require.NotEqual(t, s.serve, s.ready)
	return s
}

// read decodes YAML, and refuses what its type has no field for.
func read(t *testing.T, path string, into any) {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	d := yaml.NewDecoder(f)
	d.KnownFields(true)
	require.NoError(t, d.Decode(into), path)
}

func TestProcfile(t *testing.T) {
	b, err := os.ReadFile("Procfile")
	require.NoError(t, err)
	command, ok := strings.CutPrefix(strings.TrimSpace(string(b)), "web: bin/social ")
	require.True(t, ok)
	s := understood(t, strings.Fields(command), environ("PORT=5000"))
	require.True(t, s.serve)
	require.Equal(t, "0.0.0.0:5000", s.addr)
}

// dockerfile is the last value of each instruction, without those of the stages before the last where they differ.
func dockerfile(t *testing.T) (last map[string]string, copies []string) {
	t.Helper()
	b, err := os.ReadFile("Dockerfile")
	require.NoError(t, err)
	last = map[string]string{}
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, _ := strings.Cut(line, " ")
		require.Regexp(t, `^(FROM|WORKDIR|COPY|RUN|USER|ENV|EXPOSE|STOPSIGNAL|HEALTHCHECK|ENTRYPOINT|CMD)$`, name)
		last[name] = value
		if name == "COPY" && !strings.HasPrefix(value, "--from") {
			sources := strings.Fields(value)
			copies = append(copies, sources[:len(sources)-1]...)
		}
	}
	return last, copies
}

// TestDockerfile: what it copies is there, and what it runs is understood.
func TestDockerfile(t *testing.T) {
	last, copies := dockerfile(t)
	require.Equal(t, "nonroot:nonroot", last["USER"])
	words := func(text string) (all []string) {
		require.NoError(t, json.Unmarshal([]byte(text), &all))
		return all
	}
	require.Equal(t, []string{"/social"}, words(last["ENTRYPOINT"]))
	s := understood(t, words(last["CMD"]), environ(last["ENV"]))
	require.True(t, s.serve)
	require.Equal(t, "0.0.0.0:"+last["EXPOSE"], s.addr)
	_, health, ok := strings.Cut(last["HEALTHCHECK"], " CMD ")
	require.True(t, ok)
	require.True(t, understood(t, words(health)[1:], environ(last["ENV"])).ready)

	ignored, err := os.ReadFile("Dockerfile.dockerignore")
	require.NoError(t, err)
	for line := range strings.Lines(string(ignored)) {
		if path, kept := strings.CutPrefix(strings.TrimSpace(line), "!"); kept {
			copies = append(copies, path)
		}
	}
	require.Greater(t, len(copies), 8)
	for _, path := range copies {
		_, err := os.Stat(filepath.Join(root, path))
		require.NoError(t, err)
	}
}

// healthcheck is how a container is asked.
type healthcheck struct {
	Test     []string
	Interval time.Duration
	Timeout  time.Duration
	Start    time.Duration `yaml:"start_period"`
	Retries  int
}

// container is what is used of a service in Compose.
type container struct {
	Image string
	Build struct{ Context, Dockerfile string }

	Environment map[string]string
	Command     []string
	Ports       []string
	Volumes     []string
	Tmpfs       []string
	Restart     string
	Healthcheck healthcheck
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
	Grace       time.Duration                         `yaml:"stop_grace_period"`
	ReadOnly    bool                                  `yaml:"read_only"`
	CapDrop     []string                              `yaml:"cap_drop"`
	Security    []string                              `yaml:"security_opt"`
}

// expand puts in the defaults of variables, as Compose does where none is set.
func expand(text string) string {
	return regexp.MustCompile(`\$\{\w+:-([^}]*)\}`).ReplaceAllString(text, "$1")
}

// TestCompose: the three containers fit together, and the service understands its environment.
func TestCompose(t *testing.T) {
	var c struct {
		Name     string
		Services map[string]container
		Volumes  map[string]any
	}
	read(t, "compose.yaml", &c)
	require.Len(t, c.Services, 3)
	social, postgres, redis := c.Services["social"], c.Services["postgres"], c.Services["redis"]

	_, err := os.Stat(filepath.Join(social.Build.Context, social.Build.Dockerfile))
	require.NoError(t, err)
	same, err := filepath.Abs(social.Build.Context)
	require.NoError(t, err)
	top, err := filepath.Abs(root)
	require.NoError(t, err)
	require.Equal(t, top, same)

	env := func(name string) string { return expand(social.Environment[name]) }
	s := understood(t, []string{"-serve", "-origin", "real"}, env)
	require.Equal(t, 12, s.capacity.Capacity())
	require.Greater(t, social.Grace, s.capacity.Timeout)
	require.Equal(t, []string{"127.0.0.1:8080:" + env("PORT")}, social.Ports)
	require.True(t, understood(t, social.Healthcheck.Test[2:], env).ready)

	db, err := url.Parse(s.databaseURL)
	require.NoError(t, err)
	password, _ := db.User.Password()
	require.Contains(t, c.Services, db.Hostname())
	require.Equal(t, expand(postgres.Environment["POSTGRES_PASSWORD"]), password)
	require.Equal(t, postgres.Environment["POSTGRES_USER"], db.User.Username())
	require.Equal(t, "/"+postgres.Environment["POSTGRES_DB"], db.Path)
	cache, err := url.Parse(s.redisURL)
	require.NoError(t, err)
	require.Contains(t, c.Services, cache.Hostname())
	require.Contains(t, strings.Join(redis.Command, " "), "--maxmemory-policy allkeys-lru")
	for name, condition := range social.DependsOn {
		require.Equal(t, "service_healthy", condition.Condition)
		require.NotEmpty(t, c.Services[name].Healthcheck.Test, name)
	}
}

// variable is one of the environment, whose value Render fills in where it comes from elsewhere.
type variable struct {
	Key, Value string
	Generate   bool   `yaml:"generateValue"`
	Database   source `yaml:"fromDatabase"`
	Service    source `yaml:"fromService"`
}

type source struct{ Name, Type, Property string }

// TestRender: what the service refers to is there, and its environment is understood.
func TestRender(t *testing.T) {
	var r struct {
		Services []struct {
			Type, Name, Runtime, Plan string

			Dockerfile  string     `yaml:"dockerfilePath"`
			Context     string     `yaml:"dockerContext"`
			HealthCheck string     `yaml:"healthCheckPath"`
			Shutdown    int        `yaml:"maxShutdownDelaySeconds"`
			Env         []variable `yaml:"envVars"`
			Policy      string     `yaml:"maxmemoryPolicy"`
			Allow       []string   `yaml:"ipAllowList"`
		}
		Databases []struct {
			Name, Plan, User string

			Database string   `yaml:"databaseName"`
			Allow    []string `yaml:"ipAllowList"`
		}
	}
	read(t, "render.yaml", &r)
	web, cache, db := r.Services[0], r.Services[1], r.Databases[0]
	require.Equal(t, "docker", web.Runtime)
	_, err := os.Stat(filepath.Join(root, web.Dockerfile))
	require.NoError(t, err)
	require.Equal(t, ".", web.Context)
	require.Equal(t, "/readyz", web.HealthCheck)
	require.Equal(t, "allkeys-lru", cache.Policy)
	env := map[string]string{"PORT": "10000"}
	for _, v := range web.Env {
		env[v.Key] = v.Value
		switch {
		case v.Generate:
			env[v.Key] = "a generated password"
		case v.Database.Name != "":
			require.Equal(t, db.Name, v.Database.Name)
			env[v.Key] = v.Database.Property
		case v.Service.Name != "":
			require.Equal(t, []string{cache.Name, cache.Type}, []string{v.Service.Name, v.Service.Type})
			env[v.Key] = v.Service.Property
		}
		require.NotEmpty(t, env[v.Key], v.Key)
	}
	require.Equal(t, "connectionString", env["DATABASE_URL"])
	require.Equal(t, "connectionString", env["REDIS_URL"])
	env["DATABASE_URL"], env["REDIS_URL"] = "postgresql://social:x@dpg-1/social", "redis://red-1:6379" // Render's form
	s := understood(t, []string{"-serve", "-origin", "real"}, func(name string) string { return env[name] })
	require.Equal(t, 12, s.capacity.Capacity())
	require.Greater(t, time.Duration(web.Shutdown)*time.Second, s.capacity.Timeout)
}
