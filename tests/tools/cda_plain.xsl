<?xml version="1.0" encoding="UTF-8"?>
<!-- A plain view of a CDA: its header in a few lines, then its narrative as it stands. As a receiver without any stylesheet
     of the trade would show it (CDA R2 §4.3.5, narrative block). -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:c="urn:hl7-org:v3"
  exclude-result-prefixes="c">
  <xsl:output method="html" encoding="UTF-8"/>
  <xsl:template match="/">
    <html lang="fr"><head><meta charset="utf-8"/><title><xsl:value-of select="/c:ClinicalDocument/c:title"/></title>
      <style>
        body { font: 13px/1.35 "DejaVu Sans", Arial, sans-serif; margin: 16px; color: #111; }
        h1 { font-size: 18px; margin: 0 0 8px; } h2 { font-size: 15px; margin: 14px 0 4px; border-bottom: 1px solid #888; }
        h3 { font-size: 13px; margin: 8px 0 2px; }
        table { border-collapse: collapse; width: 100%; margin: 4px 0; }
        th, td { border: 1px solid #bbb; padding: 2px 6px; text-align: left; vertical-align: top; }
        th { background: #eee; } caption { text-align: left; font-weight: bold; padding: 3px 0; }
        .head td { border: 0; padding: 1px 8px 1px 0; } .Bold { font-weight: bold; } .Italics { font-style: italic; }
      </style></head>
      <body><xsl:apply-templates select="c:ClinicalDocument"/></body></html>
  </xsl:template>
  <xsl:template match="c:ClinicalDocument">
    <h1><xsl:value-of select="c:title"/></h1>
    <table class="head">
      <tr><td>Patient</td><td>
        <xsl:for-each select="c:recordTarget/c:patientRole/c:patient">
          <xsl:value-of select="c:name/c:family[1]"/><xsl:text> </xsl:text><xsl:value-of select="c:name/c:given[1]"/>
          <xsl:if test="c:name/c:family[2]">, nom utilisé : <xsl:value-of select="c:name/c:family[2]"/></xsl:if>
          (<xsl:value-of select="c:administrativeGenderCode/@displayName"/>, <xsl:call-template name="day">
            <xsl:with-param name="ts" select="c:birthTime/@value"/></xsl:call-template>)</xsl:for-each></td></tr>
      <tr><td>Laboratoire</td><td><xsl:value-of select="c:custodian/c:assignedCustodian/c:representedCustodianOrganization/c:name"/></td></tr>
      <tr><td>Édité le</td><td><xsl:call-template name="day"><xsl:with-param name="ts" select="c:effectiveTime/@value"/></xsl:call-template>, version <xsl:value-of select="c:versionNumber/@value"/></td></tr>
    </table>
    <xsl:apply-templates select="c:component/c:structuredBody/c:component/c:section"/>
    <xsl:if test="c:component/c:nonXMLBody"><p>Corps du document : <xsl:value-of select="c:component/c:nonXMLBody/c:text/@mediaType"/></p></xsl:if>
  </xsl:template>
  <xsl:template match="c:section">
    <h2><xsl:value-of select="c:title"/></h2>
    <xsl:apply-templates select="c:text"/>
    <xsl:apply-templates select="c:component/c:section"/>
  </xsl:template>
  <xsl:template match="c:text"><xsl:apply-templates/></xsl:template>
  <xsl:template match="c:paragraph"><p><xsl:call-template name="style"/><xsl:apply-templates/></p></xsl:template>
  <xsl:template match="c:list"><ul><xsl:apply-templates/></ul></xsl:template>
  <xsl:template match="c:item"><li><xsl:apply-templates/></li></xsl:template>
  <xsl:template match="c:content"><span><xsl:call-template name="style"/><xsl:apply-templates/></span></xsl:template>
  <xsl:template match="c:caption"><xsl:choose>
    <xsl:when test="parent::c:table"><caption><xsl:apply-templates/></caption></xsl:when>
    <xsl:otherwise><strong><xsl:apply-templates/></strong></xsl:otherwise></xsl:choose></xsl:template>
  <xsl:template match="c:br"><br/></xsl:template>
  <xsl:template match="c:sub"><sub><xsl:apply-templates/></sub></xsl:template>
  <xsl:template match="c:sup"><sup><xsl:apply-templates/></sup></xsl:template>
  <xsl:template match="c:renderMultiMedia"><em>[document joint : <xsl:value-of select="@referencedObject"/>]</em></xsl:template>
  <xsl:template match="c:table|c:thead|c:tbody|c:tfoot|c:tr|c:th|c:td|c:col|c:colgroup">
    <xsl:element name="{local-name()}">
      <xsl:copy-of select="@colspan|@rowspan|@width|@align"/><xsl:call-template name="style"/><xsl:apply-templates/>
    </xsl:element>
  </xsl:template>
  <xsl:template name="day"><xsl:param name="ts"/>
    <xsl:value-of select="concat(substring($ts, 7, 2), '/', substring($ts, 5, 2), '/', substring($ts, 1, 4))"/>
  </xsl:template>
  <xsl:template name="style"><xsl:if test="@styleCode"><xsl:attribute name="class"><xsl:value-of select="@styleCode"/></xsl:attribute></xsl:if></xsl:template>
</xsl:stylesheet>
