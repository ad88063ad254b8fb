# Writes the summary as the elements of a JSON array. Reads targets.tsv first.

BEGIN { FS = "\t" }

# The names are ours: no quote, backslash or control character is in them.
function text(name, value) { return "\"" name "\": \"" value "\"" }

FNR == NR {
    target[$1, $2, $3] = ", " text("target", $4 " " $5)
    next
}

{
    printf "%s    {%s, %s, %s, \"median\": %s, \"min\": %s, \"max\": %s%s}", separator, \
        text("group", $1), text("case", $2), text("metric", $3), $4, $5, $6, target[$1, $2, $3]
    separator = ",\n"
}

END { print "" }
