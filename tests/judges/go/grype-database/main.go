// Writes a grype v6 vulnerability database from OSV records, one to a line on standard input.
//
// usage: grype-database DIRECTORY
//
// Only what both sides understand is written: ranges of introduced, fixed and last_affected, and listed versions. The
// same records given to osv-scanner and to gatekeeper then make the three comparable.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	v6 "github.com/anchore/grype/grype/db/v6"
)

type event struct {
	Introduced   string `json:"introduced"`
	Fixed        string `json:"fixed"`
	LastAffected string `json:"last_affected"`
}

type record struct {
	ID       string   `json:"id"`
	Aliases  []string `json:"aliases"`
	Affected []struct {
		Package struct {
			Ecosystem string `json:"ecosystem"`
			Name      string `json:"name"`
		} `json:"package"`
		Ranges []struct {
			Events []event `json:"events"`
		} `json:"ranges"`
		Versions []string `json:"versions"`
	} `json:"affected"`
}

// ecosystem -> grype's package type and version format.
var languages = map[string][2]string{
	"npm":       {"npm", "semver"},
	"PyPI":      {"python", "python"},
	"Go":        {"go-module", "go"},
	"crates.io": {"rust-crate", "semver"},
	"RubyGems":  {"gem", "gem"},
	"Maven":     {"java-archive", "maven"},
}

// base of the ecosystem -> distribution, package type and version format.
var distributions = map[string][3]string{
	"Debian":      {"debian", "deb", "dpkg"},
	"Ubuntu":      {"ubuntu", "deb", "dpkg"},
	"Alpine":      {"alpine", "apk", "apk"},
	"Rocky Linux": {"rocky", "rpm", "rpm"},
}

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "grype-database:", err)
		os.Exit(1)
	}
}

func run(directory string) error {
	writer, err := v6.NewWriter(v6.Config{DBDirPath: directory})
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	provider := &v6.Provider{ID: "osv", Version: "1", Processor: "test", DateCaptured: &now, InputDigest: "xxh64:0"}
	if err := writer.AddProvider(*provider); err != nil {
		return err
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<26)
	for lines.Scan() {
		var one record
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			return err
		}
		if err := add(writer, provider, one, now); err != nil {
			return fmt.Errorf("%s: %w", one.ID, err)
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if err := writer.SetDBMetadata(); err != nil {
		return err
	}
	return writer.Close()
}

func add(writer v6.ReadWriter, provider *v6.Provider, one record, now time.Time) error {
	handle := &v6.VulnerabilityHandle{
		Name: one.ID, Status: v6.VulnerabilityActive, PublishedDate: &now, ModifiedDate: &now,
		ProviderID: provider.ID, Provider: provider,
		BlobValue: &v6.VulnerabilityBlob{ID: one.ID, Aliases: one.Aliases, Severities: []v6.Severity{
			{Scheme: v6.SeveritySchemeCHMLN, Value: "high", Rank: 1},
		}},
	}
	if err := writer.AddVulnerabilities(handle); err != nil {
		return err
	}
	for _, affected := range one.Affected {
		base, suffix, _ := strings.Cut(affected.Package.Ecosystem, ":")
		packageType, format, system := "", "", (*v6.OperatingSystem)(nil)
		if language, known := languages[base]; known {
			packageType, format = language[0], language[1]
		} else if distribution, known := distributions[base]; known {
			major, minor, _ := strings.Cut(strings.TrimPrefix(strings.TrimSuffix(suffix, ":LTS"), "v"), ".")
			system = &v6.OperatingSystem{Name: distribution[0], MajorVersion: major, MinorVersion: minor}
			packageType, format = distribution[1], distribution[2]
		} else {
			continue
		}
		var ranges []v6.Range
		for _, found := range affected.Ranges {
			ranges = append(ranges, constraints(found.Events, format)...)
		}
		for _, version := range affected.Versions {
			ranges = append(ranges, v6.Range{Version: v6.Version{Type: format, Constraint: "= " + version}})
		}
		err := writer.AddAffectedPackages(&v6.AffectedPackageHandle{
			Vulnerability: handle, OperatingSystem: system,
			Package:   &v6.Package{Ecosystem: packageType, Name: affected.Package.Name},
			BlobValue: &v6.PackageBlob{CVEs: one.Aliases, Ranges: ranges},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Events in ascending order, as the generator writes them.
func constraints(events []event, format string) []v6.Range {
	var made []v6.Range
	since := ""
	flush := func(until string, fix *v6.Fix) {
		parts := []string{}
		if since != "" && since != "0" {
			parts = append(parts, ">= "+since)
		}
		if until != "" {
			parts = append(parts, until)
		}
		if len(parts) == 0 {
			parts = append(parts, ">= 0")
		}
		made = append(made, v6.Range{Version: v6.Version{Type: format, Constraint: strings.Join(parts, ", ")}, Fix: fix})
		since = ""
	}
	open := false
	for _, found := range events {
		switch {
		case found.Introduced != "":
			since, open = found.Introduced, true
		case found.Fixed != "":
			flush("< "+found.Fixed, &v6.Fix{Version: found.Fixed, State: v6.FixedStatus})
			open = false
		case found.LastAffected != "":
			flush("<= "+found.LastAffected, &v6.Fix{State: v6.NotFixedStatus})
			open = false
		}
	}
	if open {
		flush("", &v6.Fix{State: v6.NotFixedStatus})
	}
	return made
}
