# Prints the table. Reads targets.tsv first, then the summary: group, case, metric, median.

BEGIN {
    FS = "\t"
    columns["capture"] = "p50|p90|p99|p99.9|p99.99|max|ns/call|calls/s|allocs/call|faults/call"
    columns["delivery"] = "events/s|sender ns/event|process ns/event|sender busy %|" \
        "events/request|body bytes/event|backlog MiB|peak MiB"
    columns["capture, beside others"] = "p50|p90|p99|p99.9|gzip/s|plain/s"
    title["capture, beside others"] = "capture, ns net of the timer; delivered"
    # Of these, neither more nor less is better.
    neither = "threads|busy|/request|bytes|MiB"
    title["capture"] = "ph_capture, ns"
    title["delivery"] = "delivery"
}

FNR == NR {
    targets[$1, $2] = targets[$1, $2] (targets[$1, $2] == "" ? "" : "|") $3 FS $4 FS $5
    next
}

!(($1, $2) in cases) {
    cases[$1, $2] = 1
    if (!($1 in names)) groups[++group_count] = $1
    names[$1] = names[$1] ($1 in names && names[$1] != "" ? "|" : "") $2
}

# Column 4 is the median, 5 the least and 6 the greatest. `best` is given on the command line.
{ value[$1, $2, $3] = !best || $3 ~ neither ? $4 : ($3 ~ /\/s$/ ? $6 : $5) }

# Wide enough to read at a glance, narrow enough for a column.
function short(metric, is) {
    if (is == "") return "-"
    if (metric ~ /\/s$/) return is < 1e6 ? sprintf("%.0fk", is / 1e3) : sprintf("%.2fM", is / 1e6)
    if (metric ~ /(allocs|faults)/) return sprintf(is > 0 && is < 0.0005 ? "%.6f" : "%.3f", is)
    if (metric ~ /^(net )?(p[0-9]|max)/ && is >= 1e6) return sprintf("%.1fms", is / 1e6)
    if (metric ~ /^(net )?(p[0-9]|max)/ && is >= 1e4) return sprintf("%.1fus", is / 1e3)
    if (is > 0 && is < 1) return sprintf("%.2f", is)
    return is < 100 ? sprintf("%.1f", is) : sprintf("%.0f", is)
}

function verdict(group, name,    list, n, i, part, text, is, met, metric) {
    n = split(targets[group, name], list, "|")
    for (i = 1; i <= n; i++) {
        split(list[i], part, FS)
        if (!((group, name, part[1]) in value)) continue
        is = value[group, name, part[1]]
        met = part[2] == "<=" ? is <= part[3] + 0 : is >= part[3] + 0
        metric = part[1]
        sub(/^net /, "", metric)
        text = text (text == "" ? "" : ", ") metric " " part[2] " " part[3]
        text = text (met ? " met" : " MISSED")
    }
    return text
}

function row(group, name, label, prefix, target,    list, n, i, line, text) {
    n = split(columns[group], list, "|")
    line = sprintf("  %-36s", label)
    for (i = 1; i <= n; i++) {
        text = short(list[i], value[group, name, prefix list[i]])
        line = line sprintf(" %*s", width(list[i]), text)
    }
    print line "  " target
}

function width(column) { return length(column) < 7 ? 7 : length(column) }

function wide(group,    list, n, i, line) {
    n = split(columns[group], list, "|")
    line = sprintf("%-38s", title[group])
    for (i = 1; i <= n; i++) line = line sprintf(" %*s", width(list[i]), list[i])
    print line "  target"
    n = split(names[group], list, "|")
    for (i = 1; i <= n; i++) {
        if ((group, list[i], "net p50") in value) {
            row(group, list[i], list[i], "", "")
            row(group, list[i], "    net of the timer", "net ", verdict(group, list[i]))
        } else {
            row(group, list[i], list[i], "", verdict(group, list[i]) times(group, list[i], list[1]))
        }
    }
}

# How much longer another library takes than ours, which is the first of its group.
function ratio(group, name, first) {
    if (first !~ /^libposthog/ || name == first) return ""
    return sprintf("%.1f times", value[group, name, "ns"] / value[group, first, "ns"])
}

# The same of a group with several columns: the median call, and delivery with gzip.
function times(group, name, first) {
    if (first !~ /^libposthog/ || name == first || !value[group, name, "gzip/s"]) return ""
    return sprintf("%.0f times the call, 1/%.1f of the events", value[group, name, "p50"] / value[group, first, "p50"], \
        value[group, first, "gzip/s"] / value[group, name, "gzip/s"])
}

function narrow(group,    list, n, i, key, part) {
    print group
    n = split(names[group], list, "|")
    for (i = 1; i <= n; i++) {
        for (key in value) {
            split(key, part, SUBSEP)
            if (part[1] == group && part[2] == list[i]) {
                printf "  %-44s %12s %-5s  %s\n", list[i], short(part[3], value[key]), part[3], \
                    verdict(group, list[i]) ratio(group, list[i], list[1])
            }
        }
    }
}

END {
    for (g = 1; g <= group_count; g++) {
        if (groups[g] in columns) wide(groups[g]); else narrow(groups[g])
        print ""
    }
}
