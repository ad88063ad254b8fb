package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/posthog/libposthog/bindings/go"
)

// A server is the product's web service.
type server struct {
	store     *store
	analytics *Analytics
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/config", s.config)
	for pattern, handle := range map[string]func(*http.Request, *body) (any, error){
		"POST /api/login":                s.login,
		"POST /api/workspaces":           s.createWorkspace,
		"POST /api/runtimes":             s.registerRuntime,
		"POST /api/issues":               s.createIssue,
		"POST /api/issues/{id}/complete": s.completeIssue,
		"POST /api/invites":              s.invite,
		"POST /api/invites/{id}/accept":  s.acceptInvite,
	} {
		mux.Handle(pattern, answering(handle))
	}
	return posthog.Middleware(s.analytics.client, mux)
}

// body of every request: each uses what it needs.
type body struct {
	Email      string
	AuthMethod string `json:"auth_method"`
	Name       string
	User       string
	Agent      string
	Workspace  int64
}

var errBadRequest = errors.New("bad request")

// answering with JSON, in and out.
func answering(handle func(*http.Request, *body) (any, error)) http.Handler {
	return http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		var asked body
		err := json.NewDecoder(http.MaxBytesReader(writer, request.Body, 1<<16)).Decode(&asked)
		if err != nil {
			http.Error(writer, "JSON is needed", http.StatusBadRequest)
			return
		}
		answer, err := handle(request, &asked)
		switch {
		case err == nil:
			reply(writer, answer)
		case errors.Is(err, errBadRequest):
			http.Error(writer, err.Error(), http.StatusBadRequest)
		case errors.Is(err, sql.ErrNoRows):
			http.Error(writer, "there is no such thing", http.StatusNotFound)
		default:
			http.Error(writer, "sorry", http.StatusInternalServerError)
		}
	})
}

func reply(writer http.ResponseWriter, answer any) {
	writer.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(writer).Encode(answer)
}

// config tells the browser where PostHog is. Blank when analytics is off.
func (s *server) config(writer http.ResponseWriter, _ *http.Request) {
	key, host := browserConfig()
	writer.Header().Set("Cache-Control", "no-store")
	reply(writer, map[string]string{"posthog_key": key, "posthog_host": host})
}

// login is the one place that creates users, whatever the method.
func (s *server) login(request *http.Request, asked *body) (any, error) {
	_, domain, ok := strings.Cut(asked.Email, "@")
	if !ok || domain == "" {
		return nil, errBadRequest
	}
	user, created, err := s.store.user(request.Context(), asked.Email)
	if err != nil {
		return nil, err
	}
	if created {
		// The whole address stays with the person, and the first one at that.
		once := posthog.Properties{"email": asked.Email}
		if source := attributionOf(request); source != nil {
			once["signup_source"] = source
		}
		s.analytics.capture(event{Event: posthog.Event{
			Name:       "signup",
			DistinctID: number(user),
			Properties: posthog.Properties{"auth_method": asked.AuthMethod, "email_domain": domain},
			SetOnce:    once,
		}})
	}
	return map[string]any{"user": number(user), "created": created}, nil
}

func (s *server) createWorkspace(request *http.Request, asked *body) (any, error) {
	owner, err := strconv.ParseInt(asked.User, 10, 64)
	if err != nil || asked.Name == "" {
		return nil, errBadRequest
	}
	id, err := s.store.createWorkspace(request.Context(), asked.Name, owner)
	if err != nil {
		return nil, err
	}
	// After the commit. Whether it is the user's first is asked of the events, later: two commits at
	// once would both say no.
	s.analytics.capture(event{WorkspaceID: number(id), Event: posthog.Event{
		Name: "workspace_created", DistinctID: asked.User,
	}})
	return map[string]any{"workspace": id}, nil
}

func (s *server) registerRuntime(request *http.Request, asked *body) (any, error) {
	if asked.Name == "" || asked.Workspace == 0 {
		return nil, errBadRequest
	}
	id, inserted, err := s.store.registerRuntime(request.Context(), asked.Workspace, asked.Name)
	if err != nil {
		return nil, err
	}
	if inserted {
		owner := asked.User
		if owner == "" {
			owner = "workspace:" + number(asked.Workspace)
		}
		s.analytics.capture(event{WorkspaceID: number(asked.Workspace), Event: posthog.Event{
			Name: "runtime_registered", DistinctID: owner,
			Properties: posthog.Properties{"runtime_id": number(id)},
		}})
	}
	return map[string]any{"runtime": id, "inserted": inserted}, nil
}

func (s *server) createIssue(request *http.Request, asked *body) (any, error) {
	if asked.Name == "" || asked.Workspace == 0 {
		return nil, errBadRequest
	}
	id, err := s.store.createIssue(request.Context(), asked.Workspace, asked.Name)
	return map[string]any{"issue": id}, err
}

func (s *server) completeIssue(request *http.Request, asked *body) (any, error) {
	id, err := pathID(request)
	if err != nil || asked.User == "" && asked.Agent == "" {
		return nil, errBadRequest
	}
	workspace, first, err := s.store.completeIssue(request.Context(), id)
	if err != nil {
		return nil, err
	}
	if first {
		who := asked.User
		if asked.Agent != "" {
			who = "agent:" + asked.Agent
		}
		s.analytics.capture(event{WorkspaceID: number(workspace), Event: posthog.Event{
			Name: "issue_executed", DistinctID: who,
			Properties: posthog.Properties{"issue_id": number(id)},
		}})
	}
	return map[string]any{"first": first}, nil
}

func (s *server) invite(request *http.Request, asked *body) (any, error) {
	if asked.User == "" || asked.Workspace == 0 || asked.Email == "" {
		return nil, errBadRequest
	}
	id, err := s.store.invite(request.Context(), asked.Workspace, asked.Email)
	if err != nil {
		return nil, err
	}
	s.analytics.capture(event{WorkspaceID: number(asked.Workspace), Event: posthog.Event{
		Name: "team_invite_sent", DistinctID: asked.User,
		Properties: posthog.Properties{"invite_id": number(id)},
	}})
	return map[string]any{"invite": id}, nil
}

func (s *server) acceptInvite(request *http.Request, asked *body) (any, error) {
	id, err := pathID(request)
	if err != nil || asked.User == "" {
		return nil, errBadRequest
	}
	workspace, sent, first, err := s.store.acceptInvite(request.Context(), id)
	if err != nil {
		return nil, err
	}
	if first {
		s.analytics.capture(event{WorkspaceID: number(workspace), Event: posthog.Event{
			Name: "team_invite_accepted", DistinctID: asked.User,
			Properties: posthog.Properties{
				"invite_id":         number(id),
				"days_since_invite": int(time.Since(sent).Hours() / 24),
			},
		}})
	}
	return map[string]any{"accepted": first, "workspace": workspace}, nil
}

func pathID(request *http.Request) (int64, error) {
	return strconv.ParseInt(request.PathValue("id"), 10, 64)
}

func number(id int64) string {
	return strconv.FormatInt(id, 10)
}
