# Writes flag definitions, the same for every library: `flags` flags with two conditions and two
# variants each, and `cohorts` cohorts, which every second flag asks for if there are any.
#
#     awk -v flags=200 -v cohorts=0 -f benches/peers/definitions.awk

function filter(key, operator, value) {
    return sprintf("{\"key\":\"%s\",\"type\":\"person\",\"operator\":\"%s\",\"value\":%s}", key, operator, value)
}

function flag(number,    first, second) {
    first = filter("email", "icontains", "\"@staff.example\"")
    second = filter("plan", "exact", "[\"pro\",\"team\"]")
    if (cohorts && number % 2)
        second = second sprintf(",{\"key\":\"id\",\"type\":\"cohort\",\"operator\":\"in\",\"value\":%d}", number % cohorts)
    return sprintf("{\"id\":%d,\"name\":\"\",\"key\":\"flag-%03d\",\"active\":true,\"deleted\":false,\"version\":1," \
        "\"ensure_experience_continuity\":false,\"filters\":{\"groups\":[" \
        "{\"properties\":[%s],\"rollout_percentage\":100,\"variant\":null}," \
        "{\"properties\":[%s],\"rollout_percentage\":90,\"variant\":null}]," \
        "\"multivariate\":{\"variants\":[{\"key\":\"control\",\"name\":\"\",\"rollout_percentage\":50}," \
        "{\"key\":\"test\",\"name\":\"\",\"rollout_percentage\":50}]},\"payloads\":{}}}", number + 1, number, first, second)
}

function cohort(number) {
    return sprintf("\"%d\":{\"type\":\"OR\",\"values\":[{\"type\":\"AND\",\"values\":[%s,%s]}]}", number, \
        filter("country", "exact", sprintf("[\"c%d\",\"DE\"]", number)), filter("email", "regex", sprintf("\"@team%d\\\\.example$\"", number)))
}

BEGIN {
    printf "{\"flags\":["
    for (number = 0; number < flags; number++) printf "%s%s", (number ? "," : ""), flag(number)
    printf "],\"group_type_mapping\":{},\"cohorts\":{"
    for (number = 0; number < cohorts; number++) printf "%s%s", (number ? "," : ""), cohort(number)
    printf "},\"property_matching_version\":2}\n"
}
