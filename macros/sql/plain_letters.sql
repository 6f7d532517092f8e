{#-
  A text in lower case with Latin letters in the place of accented and Cyrillic ones, for names that people read; what is neither stays
  as it is. No SQL: it is for names, which a build makes before it runs a query.
-#}
{% macro plain_letters(text) %}
    {%- set letters = {
        'a': 'àáâãåāăąа', 'ae': 'äæ', 'c': 'çćĉċč', 'd': 'ďđðд', 'e': 'èéêëēĕėęěеёэ', 'g': 'ĝğġģг', 'h': 'ĥħ', 'i': 'ìíîïĩīĭįıіи',
        'j': 'ĵ', 'k': 'ķк', 'l': 'ĺļľŀłл', 'n': 'ñńņňн', 'o': 'òóôõøōŏőо', 'oe': 'öœ', 'p': 'п', 'r': 'ŕŗřр', 's': 'śŝşšșс',
        'ss': 'ß', 't': 'ţťŧțт', 'u': 'ùúûũūŭůűųу', 'ue': 'ü', 'w': 'ŵ', 'y': 'ýÿŷйы', 'z': 'źżžз', 'b': 'б', 'v': 'в', 'm': 'м',
        'f': 'ф', 'zh': 'ж', 'kh': 'х', 'ts': 'ц', 'ch': 'ч', 'sh': 'ш', 'shch': 'щ', 'yu': 'ю', 'ya': 'я', 'yi': 'ї', 'ye': 'є', '': 'ъь',
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
