//go:build tools

// Package tools names what .ci/run builds: Regal, the linter of policies.
package tools

import _ "github.com/styrainc/regal"
