// Funnel is a small web service over an embedded SQL database that tells PostHog how its users come
// in: signup, workspace_created, runtime_registered, issue_executed, team_invite_sent and
// team_invite_accepted, each exactly once for what it says.
package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	address := flag.String("addr", "127.0.0.1:8080", "where to listen")
	file := flag.String("db", "funnel.db", "the database's file")
	flag.Parse()
	if err := run(*address, *file); err != nil {
		slog.Error("funnel", "err", err)
		os.Exit(1)
	}
}

func run(address, file string) error {
	running, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	store, err := openStore(file)
	if err != nil {
		return err
	}
	defer store.db.Close()
	analytics, err := newAnalytics(slog.Default())
	if err != nil {
		return err
	}
	defer analytics.close()

	web := &http.Server{
		Addr:              address,
		Handler:           (&server{store, analytics}).handler(),
		ReadHeaderTimeout: 5 * time.Second,
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-running.Done()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := web.Shutdown(ctx); err != nil {
			slog.Warn("some requests were cut off", "err", err)
		}
	}()
	slog.Info("listening", "url", "http://"+address)
	err = web.ListenAndServe()
	stop() // Also where it could not listen: nobody waits for a signal then.
	<-stopped
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
