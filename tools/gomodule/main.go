// Gomodule packs a folder as a Go module, in the layout of a module proxy: `go get` takes it from
// there, by way of a file:// URL or of any web server.
//
//	gomodule FOLDER VERSION DESTINATION
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: gomodule FOLDER VERSION DESTINATION")
		os.Exit(2)
	}
	if err := pack(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func pack(folder, version, destination string) error {
	text, err := os.ReadFile(filepath.Join(folder, "go.mod"))
	if err != nil {
		return err
	}
	path, err := module.EscapePath(modfile.ModulePath(text))
	if err != nil {
		return err
	}
	at := filepath.Join(destination, path, "@v")
	if err := os.MkdirAll(at, 0o755); err != nil {
		return err
	}
	info := fmt.Sprintf("{\"Version\":%q,\"Time\":%q}\n", version, time.Now().UTC().Format(time.RFC3339))
	for name, content := range map[string]string{
		"list": version + "\n", version + ".info": info, version + ".mod": string(text),
	} {
		if err := os.WriteFile(filepath.Join(at, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	packed, err := os.Create(filepath.Join(at, version+".zip"))
	if err != nil {
		return err
	}
	defer packed.Close()
	name := module.Version{Path: modfile.ModulePath(text), Version: version}
	if err := zip.CreateFromDir(packed, name, folder); err != nil {
		return err
	}
	return packed.Close()
}
