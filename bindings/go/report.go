package posthog

import "github.com/posthog/libposthog/bindings/go/internal/abi"

// A Report is a fault on the way to the server, and how often it happened.
type Report struct {
	Family     Family
	HTTPStatus int    // 0 if there was no answer.
	Attempt    int    // Which attempt of its request the latest was, from 1.
	EventsLost int    // Events that it has cost.
	Count      int    // How often it happened since it was last reported.
	Hint       Hint   // What to look at first.
	Host       string // That was asked.
	Message    string // What happened the last time, in English.
}

// A Family is what a request was for. The numbers are those of ph_family.
type Family int

const (
	FamilyEvents Family = iota
	FamilyAI
	FamilyFlags
	FamilyDefinitions // The definitions of flags.
)

// A Hint is what is most likely at fault. The numbers are those of ph_hint.
type Hint int

const (
	HintNone      Hint = iota
	HintKeyKind        // The key is not that of a project (phc_...).
	HintRegion         // The key is unknown in this region: perhaps it is of the other (US, EU).
	HintKey            // The key is unknown.
	HintQuota          // The project is over its billing limit.
	HintRateLimit      // Too many requests.
	HintPath           // Nothing of PostHog is at that path: is the host right, and its path prefix?
	HintRedirect       // The host sends requests elsewhere.
	HintTooLarge       // An event is larger than the server takes.
	HintClock          // This machine's clock is minutes from the server's.
	HintProxy          // The proxy does not let the request through.
	HintTLS            // The server's certificate is not trusted, or there is no TLS.
	HintNetwork        // The server cannot be reached, or does not answer in time.
	HintServer         // The server is in trouble.
)

// WithErrorReports is told of faults on the way to the server: the same one once in a minute, with how
// often it happened, and whenever it has cost events. It runs on the thread that found the fault.
func WithErrorReports(told func(Report)) Option {
	return func(s *setup) {
		s.hooks.Error = func(report uintptr) { told(reportOf(report)) }
	}
}

// NextError takes the oldest report that nobody has taken, with all that happened alike since; false
// when there is none. The last 32 are kept.
func (c *Client) NextError() (Report, bool) {
	if !c.acquire() {
		return Report{}, false
	}
	defer c.release()
	report := abi.Call(abi.ErrorNext, c.handle)
	if report == 0 {
		return Report{}, false
	}
	defer abi.Call(abi.ReportFree, report)
	return reportOf(report), true
}

func reportOf(report uintptr) Report {
	var numbers [6]int
	for field := range numbers {
		numbers[field] = int(int64(abi.Call(abi.ReportGet, report, uintptr(field))))
	}
	return Report{
		Family: Family(numbers[0]), HTTPStatus: numbers[1], Attempt: numbers[2],
		EventsLost: numbers[3], Count: numbers[4], Hint: Hint(numbers[5]),
		Host:    abi.Text(abi.Call(abi.ReportGetHost, report)),
		Message: abi.Text(abi.Call(abi.ReportGetMessage, report)),
	}
}
