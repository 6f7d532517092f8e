{#-
  A text in lower case with Latin letters in the place of accented and Cyrillic ones, for names that people read; what is
  neither stays as it is. No SQL: it is for names, which a build makes before it runs a query.
-#}
{% macro plain_letters(text) %}
    {%- set letters = {
        'a': 'àáâãåāăąа', 'ae': 'äæ', 'b': 'б', 'c': 'çćĉċč', 'ch': 'ч', 'd': 'ďđðд', 'e': 'èéêëēĕėęěеёэ', 'f': 'ф', 'g': 'ĝğġģг',
        'h': 'ĥħ', 'i': 'ìíîïĩīĭįıіи', 'j': 'ĵ', 'k': 'ķк', 'kh': 'х', 'l': 'ĺļľŀłл', 'm': 'м', 'n': 'ñńņňн', 'o': 'òóôõøōŏőо',
        'oe': 'öœ', 'p': 'п', 'r': 'ŕŗřр', 's': 'śŝşšșс', 'sh': 'ш', 'shch': 'щ', 'ss': 'ß', 't': 'ţťŧțт', 'ts': 'ц', 'u': 'ùúûũūŭůűųу',
        'ue': 'ü', 'v': 'в', 'w': 'ŵ', 'y': 'ýÿŷйы', 'ya': 'я', 'ye': 'є', 'yi': 'ї', 'yu': 'ю', 'z': 'źżžз', 'zh': 'ж', '': 'ъь',
    } -%}
    {%- set plain = {} -%}
    {%- for latin, others in letters.items() -%}
        {%- for letter in others -%}
            {%- do plain.update({letter: latin}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set found = [] -%}
    {%- for letter in text | lower -%}
        {%- do found.append(plain.get(letter, letter)) -%}
    {%- endfor -%}
    {{- return(found | join) -}}
{% endmacro %}
