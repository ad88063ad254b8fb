// Package abi calls libposthog by its C ABI: linked statically through cgo, or, with CGO_ENABLED=0,
// loaded at run time. Both ways fill the same table of addresses, so that everything above them is
// written once.
package abi

// Version is that of the library that this package is for. Another one is refused.
const Version = "0.1.0"

// A Function of the library, in the order of names.
type Function int

const (
	phVersion Function = iota
	phStatusText
	ConfigNew
	ConfigFromEnv
	ConfigFree
	ConfigSetHost
	ConfigSetSecretKey
	ConfigSetDisabled
	ConfigSetDebug
	ConfigSetEnvironment
	ConfigSetLibrary
	ConfigSetIsServer
	ConfigSetGeoipDisable
	ConfigSetGroupIndex
	ConfigDenyProperty
	ConfigSetCompression
	ConfigSetProtocol
	ConfigSetHistoricalMigration
	ConfigSetFlushAt
	ConfigSetFlushIntervalMs
	ConfigSetBatchMaxEvents
	ConfigSetBatchMaxBytes
	ConfigSetQueueMaxEvents
	ConfigSetQueueMaxBytes
	ConfigSetEventMaxBytes
	ConfigSetConnectTimeoutMs
	ConfigSetRequestTimeoutMs
	ConfigSetMaxAgeMs
	ConfigSetMaxRetries
	ConfigSetRetryBaseMs
	ConfigSetRetryCapMs
	ConfigSetOverflow
	ConfigSetFlagsTimeoutMs
	ConfigSetFlagsTTLMs
	ConfigSetFlagsMaxIdentities
	ConfigSetRelease
	ConfigSetExceptionLimit
	ConfigSetProxy
	ConfigSetCaFile
	ConfigSetStorageDir
	ConfigSetStorageMaxBytes
	ConfigSetStorageMaxAgeMs
	ConfigSetStorageSync
	ConfigSetCrashHandler
	ConfigAddHeader
	ConfigSetLocalEvaluation
	ConfigSetDefinitionsPollMs
	ConfigSetFlagsLocalOnly
	ConfigSetFlagsBootstrap
	ConfigSetFlagEvents
	ConfigSetCaptureOnly
	ConfigSetDeterministic
	ConfigSetTransport
	ConfigSetLog
	ConfigAddBeforeSend
	ConfigSetDelivery
	ConfigSetDefinitionsCache
	ConfigSetOnError
	Init
	ClientStart
	ClientFree
	Flush
	Shutdown
	OptOut
	OptIn
	IsOptedOut
	StatsGet
	QueueDrain
	CaptureJSON
	CaptureEvent
	CaptureAi
	CaptureAiImmediate
	CaptureImmediate
	Identify
	Alias
	GroupIdentify
	Register
	RegisterOnce
	Unregister
	CaptureException
	StepAdd
	CrashSetDistinctID
	ExceptionNewJSON
	ExceptionFree
	ExceptionSetLevel
	ExceptionSetHandled
	ExceptionSetMechanism
	ExceptionSetSource
	ExceptionSetGroup
	ExceptionSetFingerprint
	ExceptionSetStack
	ExceptionSetTrace
	ExceptionSetUUID
	ExceptionSetTimestampMs
	ExceptionSetProperties
	EventNewJSON
	EventFree
	EventSetFlags
	EventSetOptions
	EventGetName
	EventGetDistinctID
	EventGetProperties
	EventSetName
	EventSetDistinctID
	EventSetProperties
	EventRemoveProperty
	PropsNew
	PropsFree
	PropsSetMembers
	FlagEnabledN
	FlagExplain
	FlagsWaitReady
	FlagsRefresh
	DefinitionsLoad
	DefinitionsSave
	DefinitionsLoadFile
	DefinitionsSaveFile
	DefinitionsSet
	StringFree
	ErrorNext
	ReportFree
	ReportGet
	ReportGetHost
	ReportGetMessage
	ResponseSetStatus
	ResponseAddHeader
	ResponseAppendBody
	FlagsEvaluateN
	FlagsRecall
	FlagsOverride
	FlagsSetPersonProperties
	FlagsSetGroupProperties
	FlagsResetPersonProperties
	FlagsResetGroupProperties
	FlagsOnly
	FlagsOnlyAccessed
	FlagsGetUnknownKey
	FlagsGetSource
	FlagsGetAgeMs
	FlagsGetID
	FlagsGetVersion
	FlagsGetRequestID
	FlagsFree
	FlagsIsEnabled
	FlagsIsKnown
	FlagsGetVariant
	FlagsGetPayload
	FlagsGetReason
	FlagsGetCount
	FlagsGetKey
	ContextNewJSON
	ContextFree
	functions // how many there are
)

// addresses of the functions; all are there once Load has returned nil.
var addresses [functions]uintptr

// Status is what a function that returns a ph_status answered.
//
//go:uintptrescapes
func Status(function Function, arguments ...uintptr) int32 {
	return int32(Call(function, arguments...))
}

// True is what a function that returns a bool answered: only the lowest byte of it is defined.
//
//go:uintptrescapes
func True(function Function, arguments ...uintptr) bool {
	return uint8(Call(function, arguments...)) != 0
}
