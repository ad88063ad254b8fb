//go:build cgo && !posthog_purego

package abi

/*
#include <posthog.h>
#include <stdint.h>

typedef uintptr_t (*posthog_function)(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t,
                                      uintptr_t, uintptr_t, uintptr_t);

// Whole numbers and pointers are passed alike on every platform that the library is built for, and
// a function leaves alone the arguments that it does not have. No function here takes a double.
static inline uintptr_t posthog_call(uintptr_t function, uintptr_t a, uintptr_t b, uintptr_t c,
                                     uintptr_t d, uintptr_t e, uintptr_t f, uintptr_t g,
                                     uintptr_t h) {
  return ((posthog_function)function)(a, b, c, d, e, f, g, h);
}

static inline int32_t posthog_capture_json(uintptr_t client, const char *id, size_t id_len,
                                           const char *event, size_t event_len,
                                           const char *properties, size_t properties_len) {
  return ph_capture_json((const ph_client *)client, id, id_len, event, event_len, properties,
                         properties_len);
}
*/
import "C"
import "unsafe"

// Linked says how the library is linked.
const Linked = "cgo"

// Call calls the function. An argument that is uintptr(unsafe.Pointer(p)) keeps what p points to
// alive and in its place.
//
//go:uintptrescapes
func Call(function Function, arguments ...uintptr) uintptr {
	var a [8]C.uintptr_t
	for i, argument := range arguments {
		a[i] = C.uintptr_t(argument)
	}
	address := C.uintptr_t(addresses[function])
	return uintptr(C.posthog_call(address, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]))
}

// CaptureText is ph_capture_json. The arguments of Call are a slice on the heap; here, where it
// counts, there is none.
func CaptureText(client uintptr, id, event string, properties []byte) int32 {
	return int32(C.posthog_capture_json(C.uintptr_t(client), text(id), C.size_t(len(id)),
		text(event), C.size_t(len(event)),
		(*C.char)(unsafe.Pointer(unsafe.SliceData(properties))), C.size_t(len(properties))))
}

func text(text string) *C.char {
	return (*C.char)(unsafe.Pointer(unsafe.StringData(text)))
}

func load() error {
	return nil
}

// origin of the library, for messages.
func origin() string {
	return "the linked libposthog"
}

func address(function unsafe.Pointer) uintptr {
	return uintptr(function)
}

func init() {
	addresses = [functions]uintptr{
		phVersion:                    address(C.ph_version),
		phStatusText:                 address(C.ph_status_text),
		ConfigNew:                    address(C.ph_config_new),
		ConfigFromEnv:                address(C.ph_config_from_env),
		ConfigFree:                   address(C.ph_config_free),
		ConfigSetHost:                address(C.ph_config_set_host),
		ConfigSetSecretKey:           address(C.ph_config_set_secret_key),
		ConfigSetDisabled:            address(C.ph_config_set_disabled),
		ConfigSetDebug:               address(C.ph_config_set_debug),
		ConfigSetEnvironment:         address(C.ph_config_set_environment),
		ConfigSetLibrary:             address(C.ph_config_set_library),
		ConfigSetIsServer:            address(C.ph_config_set_is_server),
		ConfigSetGeoipDisable:        address(C.ph_config_set_geoip_disable),
		ConfigSetGroupIndex:          address(C.ph_config_set_group_index),
		ConfigDenyProperty:           address(C.ph_config_deny_property),
		ConfigSetCompression:         address(C.ph_config_set_compression),
		ConfigSetProtocol:            address(C.ph_config_set_protocol),
		ConfigSetHistoricalMigration: address(C.ph_config_set_historical_migration),
		ConfigSetFlushAt:             address(C.ph_config_set_flush_at),
		ConfigSetFlushIntervalMs:     address(C.ph_config_set_flush_interval_ms),
		ConfigSetBatchMaxEvents:      address(C.ph_config_set_batch_max_events),
		ConfigSetBatchMaxBytes:       address(C.ph_config_set_batch_max_bytes),
		ConfigSetQueueMaxEvents:      address(C.ph_config_set_queue_max_events),
		ConfigSetQueueMaxBytes:       address(C.ph_config_set_queue_max_bytes),
		ConfigSetEventMaxBytes:       address(C.ph_config_set_event_max_bytes),
		ConfigSetConnectTimeoutMs:    address(C.ph_config_set_connect_timeout_ms),
		ConfigSetRequestTimeoutMs:    address(C.ph_config_set_request_timeout_ms),
		ConfigSetMaxAgeMs:            address(C.ph_config_set_max_age_ms),
		ConfigSetMaxRetries:          address(C.ph_config_set_max_retries),
		ConfigSetRetryBaseMs:         address(C.ph_config_set_retry_base_ms),
		ConfigSetRetryCapMs:          address(C.ph_config_set_retry_cap_ms),
		ConfigSetOverflow:            address(C.ph_config_set_overflow),
		ConfigSetFlagsTimeoutMs:      address(C.ph_config_set_flags_timeout_ms),
		ConfigSetFlagsTTLMs:          address(C.ph_config_set_flags_ttl_ms),
		ConfigSetFlagsMaxIdentities:  address(C.ph_config_set_flags_max_identities),
		ConfigSetRelease:             address(C.ph_config_set_release),
		ConfigSetExceptionLimit:      address(C.ph_config_set_exception_limit),
		ConfigSetProxy:               address(C.ph_config_set_proxy),
		ConfigSetCaFile:              address(C.ph_config_set_ca_file),
		ConfigSetStorageDir:          address(C.ph_config_set_storage_dir),
		ConfigSetStorageMaxBytes:     address(C.ph_config_set_storage_max_bytes),
		ConfigSetStorageMaxAgeMs:     address(C.ph_config_set_storage_max_age_ms),
		ConfigSetStorageSync:         address(C.ph_config_set_storage_sync),
		ConfigSetCrashHandler:        address(C.ph_config_set_crash_handler),
		ConfigAddHeader:              address(C.ph_config_add_header),
		ConfigSetLocalEvaluation:     address(C.ph_config_set_local_evaluation),
		ConfigSetDefinitionsPollMs:   address(C.ph_config_set_definitions_poll_ms),
		ConfigSetFlagsLocalOnly:      address(C.ph_config_set_flags_local_only),
		ConfigSetFlagsBootstrap:      address(C.ph_config_set_flags_bootstrap),
		ConfigSetFlagEvents:          address(C.ph_config_set_flag_events),
		ConfigSetCaptureOnly:         address(C.ph_config_set_capture_only),
		ConfigSetDeterministic:       address(C.ph_config_set_deterministic),
		ConfigSetTransport:           address(C.ph_config_set_transport),
		ConfigSetLog:                 address(C.ph_config_set_log),
		ConfigAddBeforeSend:          address(C.ph_config_add_before_send),
		ConfigSetDelivery:            address(C.ph_config_set_delivery),
		ConfigSetDefinitionsCache:    address(C.ph_config_set_definitions_cache),
		ConfigSetOnError:             address(C.ph_config_set_on_error),
		Init:                         address(C.ph_init),
		ClientStart:                  address(C.ph_client_start),
		ClientFree:                   address(C.ph_client_free),
		Flush:                        address(C.ph_flush),
		Shutdown:                     address(C.ph_shutdown),
		OptOut:                       address(C.ph_opt_out),
		OptIn:                        address(C.ph_opt_in),
		IsOptedOut:                   address(C.ph_is_opted_out),
		StatsGet:                     address(C.ph_stats_get),
		QueueDrain:                   address(C.ph_queue_drain),
		CaptureJSON:                  address(C.ph_capture_json),
		CaptureEvent:                 address(C.ph_capture_event),
		CaptureAi:                    address(C.ph_capture_ai),
		CaptureAiImmediate:           address(C.ph_capture_ai_immediate),
		CaptureImmediate:             address(C.ph_capture_immediate),
		Identify:                     address(C.ph_identify),
		Alias:                        address(C.ph_alias),
		GroupIdentify:                address(C.ph_group_identify),
		Register:                     address(C.ph_register),
		RegisterOnce:                 address(C.ph_register_once),
		Unregister:                   address(C.ph_unregister),
		CaptureException:             address(C.ph_capture_exception),
		StepAdd:                      address(C.ph_step_add),
		CrashSetDistinctID:           address(C.ph_crash_set_distinct_id),
		ExceptionNewJSON:             address(C.ph_exception_new_json),
		ExceptionFree:                address(C.ph_exception_free),
		ExceptionSetLevel:            address(C.ph_exception_set_level),
		ExceptionSetHandled:          address(C.ph_exception_set_handled),
		ExceptionSetMechanism:        address(C.ph_exception_set_mechanism),
		ExceptionSetSource:           address(C.ph_exception_set_source),
		ExceptionSetGroup:            address(C.ph_exception_set_group),
		ExceptionSetFingerprint:      address(C.ph_exception_set_fingerprint),
		ExceptionSetStack:            address(C.ph_exception_set_stack),
		ExceptionSetTrace:            address(C.ph_exception_set_trace),
		ExceptionSetUUID:             address(C.ph_exception_set_uuid),
		ExceptionSetTimestampMs:      address(C.ph_exception_set_timestamp_ms),
		ExceptionSetProperties:       address(C.ph_exception_set_properties),
		EventNewJSON:                 address(C.ph_event_new_json),
		EventFree:                    address(C.ph_event_free),
		EventSetFlags:                address(C.ph_event_set_flags),
		EventSetOptions:              address(C.ph_event_set_options),
		EventGetName:                 address(C.ph_event_get_name),
		EventGetDistinctID:           address(C.ph_event_get_distinct_id),
		EventGetProperties:           address(C.ph_event_get_properties),
		EventSetName:                 address(C.ph_event_set_name),
		EventSetDistinctID:           address(C.ph_event_set_distinct_id),
		EventSetProperties:           address(C.ph_event_set_properties),
		EventRemoveProperty:          address(C.ph_event_remove_property),
		PropsNew:                     address(C.ph_props_new),
		PropsFree:                    address(C.ph_props_free),
		PropsSetMembers:              address(C.ph_props_set_members),
		FlagEnabledN:                 address(C.ph_flag_enabled_n),
		FlagExplain:                  address(C.ph_flag_explain),
		FlagsWaitReady:               address(C.ph_flags_wait_ready),
		FlagsRefresh:                 address(C.ph_flags_refresh),
		DefinitionsLoad:              address(C.ph_definitions_load),
		DefinitionsSave:              address(C.ph_definitions_save),
		DefinitionsLoadFile:          address(C.ph_definitions_load_file),
		DefinitionsSaveFile:          address(C.ph_definitions_save_file),
		DefinitionsSet:               address(C.ph_definitions_set),
		StringFree:                   address(C.ph_string_free),
		ErrorNext:                    address(C.ph_error_next),
		ReportFree:                   address(C.ph_report_free),
		ReportGet:                    address(C.ph_report_get),
		ReportGetHost:                address(C.ph_report_get_host),
		ReportGetMessage:             address(C.ph_report_get_message),
		ResponseSetStatus:            address(C.ph_response_set_status),
		ResponseAddHeader:            address(C.ph_response_add_header),
		ResponseAppendBody:           address(C.ph_response_append_body),
		FlagsEvaluateN:               address(C.ph_flags_evaluate_n),
		FlagsRecall:                  address(C.ph_flags_recall),
		FlagsOverride:                address(C.ph_flags_override),
		FlagsSetPersonProperties:     address(C.ph_flags_set_person_properties),
		FlagsSetGroupProperties:      address(C.ph_flags_set_group_properties),
		FlagsResetPersonProperties:   address(C.ph_flags_reset_person_properties),
		FlagsResetGroupProperties:    address(C.ph_flags_reset_group_properties),
		FlagsOnly:                    address(C.ph_flags_only),
		FlagsOnlyAccessed:            address(C.ph_flags_only_accessed),
		FlagsGetUnknownKey:           address(C.ph_flags_get_unknown_key),
		FlagsGetSource:               address(C.ph_flags_get_source),
		FlagsGetAgeMs:                address(C.ph_flags_get_age_ms),
		FlagsGetID:                   address(C.ph_flags_get_id),
		FlagsGetVersion:              address(C.ph_flags_get_version),
		FlagsGetRequestID:            address(C.ph_flags_get_request_id),
		FlagsFree:                    address(C.ph_flags_free),
		FlagsIsEnabled:               address(C.ph_flags_is_enabled),
		FlagsIsKnown:                 address(C.ph_flags_is_known),
		FlagsGetVariant:              address(C.ph_flags_get_variant),
		FlagsGetPayload:              address(C.ph_flags_get_payload),
		FlagsGetReason:               address(C.ph_flags_get_reason),
		FlagsGetCount:                address(C.ph_flags_get_count),
		FlagsGetKey:                  address(C.ph_flags_get_key),
		ContextNewJSON:               address(C.ph_context_new_json),
		ContextFree:                  address(C.ph_context_free),
	}
}
